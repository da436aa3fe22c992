"""A notice or a record as text, and as a page of its own that needs nothing from elsewhere."""

from __future__ import annotations

import html
from typing import Any, Final

from campaigns.rights.notice import Document

_STYLE: Final = (
    "body{font:1.05rem/1.6 Georgia,serif;max-width:42rem;margin:2rem auto;padding:0 1rem;color:#1c2321;"
    "background:#fff}h1{font-size:1.7rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2rem}"
    ".objection{border-left:.3rem solid #0b5d4e;padding-left:1rem}footer{margin-top:3rem;color:#4a5451;"
    "font-size:.9rem}@media (prefers-color-scheme:dark){body{color:#e8ece9;background:#151a18}"
    "footer{color:#a9b3af}.objection{border-color:#6fc7b2}}"
)


def as_text(document: Document) -> str:
    """Markdown that is good to read as it stands."""
    lines = [f"# {document.title}", ""]
    for section in document.sections:
        lines += [f"## {section.heading}", ""]
        for item in section.items:
            lines += [item.text, ""]
            if item.rows:
                lines += [*(f"- {row}" for row in item.rows), ""]
    return "\n".join([*lines, document.made, ""])


def as_page(document: Document) -> str:
    """An HTML page; the right to object stands apart from everything else (GDPR Art. 21(4))."""
    parts = [
        f'<!doctype html><html lang="{document.language}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{html.escape(document.title)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{html.escape(document.title)}</h1>",
    ]
    for section in document.sections:
        parts.append(f'<section class="{section.key}"><h2>{html.escape(section.heading)}</h2>')
        for item in section.items:
            parts.append(f"<p>{html.escape(item.text)}</p>")
            if item.rows:
                rows = "".join(f"<li>{html.escape(row)}</li>" for row in item.rows)
                parts.append(f"<ul>{rows}</ul>")
        parts.append("</section>")
    return "\n".join([*parts, f"</main><footer>{html.escape(document.made)}</footer></body></html>", ""])


def as_value(document: Document) -> dict[str, Any]:
    """For programs."""
    sections = [
        {
            "key": section.key,
            "heading": section.heading,
            "items": [
                {"key": item.key, "text": item.text, "rows": list(item.rows)} for item in section.items
            ],
        }
        for section in document.sections
    ]
    return {
        "language": document.language,
        "title": document.title,
        "made": document.made,
        "sections": sections,
    }
