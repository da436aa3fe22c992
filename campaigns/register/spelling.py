"""The spelling that two ways of writing a name or place share. Pure."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """NFC, case-folded, blanks collapsed."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
