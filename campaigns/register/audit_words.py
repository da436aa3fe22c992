"""What may stand in an entry of the audit log for good: words that we made ourselves, of numbers and times.

Promise: whatever a person wrote, or another system, counts as words that may name somebody, unless an entry is about
the installation and nobody in the register. Such words stand beside the entry, with the values, where redaction and
retention reach them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_NUMBER, _DAY = r"[0-9]+", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT: Final = rf"{_DAY}T[0-9:.]+(?:Z|\+00:00)"
_OURS: Final = re.compile(
    "|".join(
        (
            rf"(?:preference page: |another pause: )?link of delivery {_NUMBER}\.{_NUMBER}",
            rf"{_NUMBER} unproved reports within {_NUMBER} days",
            rf"(?:parked message|request|merge of contact) {_NUMBER}",
            rf"suppression {_NUMBER}(?: under an older key|:? (?:a further address )?of the same person)?",
            r"[\w:.-]{1,40} event [^\s@]{1,200}",
            rf"double opt-in {_NUMBER}: asked {_MOMENT}, confirmed {_MOMENT}, text [0-9a-f]+",
            rf"opt-out log(?: from {_MOMENT} to {_MOMENT}|, {_MOMENT})",
            rf"the person was told on {_DAY}",
            rf"until {_DAY}",
            r"(?:file sha256 )?[0-9a-f]{16,64}",
            r"retention",
        )
    )
)
#: Entries about the installation, and nobody in the register.
_OF_OURSELVES: Final = frozenset({"register", "processor"})

#: It tells why a person's words are gone, and must not be gone with them.
_REDACTION: Final = "contact:audit:redact"


def may_name_somebody(tag: str, subjects: Sequence[str], words: str) -> bool:
    """Whether these words of an entry have to stand where they can be redacted."""
    if not words or tag == _REDACTION or _OURS.fullmatch(words):
        return False
    about_people = any(subject.startswith("contact:") for subject in subjects)
    return about_people or tag.partition(":")[0] not in _OF_OURSELVES
