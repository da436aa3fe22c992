"""Write the pages that are made from the code."""

from tests.docs.written import PAGES

for path, page in PAGES.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page())
