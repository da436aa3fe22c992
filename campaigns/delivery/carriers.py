"""Providers that give neither Message-ID nor return path back: what to put into a message so that their news can be
matched to it. Pure.

What they give back is the token of the Message-ID (`campaigns.content.headers.reference_field`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

#: The field that each of them reads, and its value, with TOKEN for the token.
REFERENCE_FIELDS: Final[dict[str, tuple[str, str]]] = {
    "postmark": ("X-PM-Metadata-delivery", "TOKEN"),
    "brevo": ("X-Mailin-custom", "TOKEN"),
    "mailjet": ("X-MJ-CustomID", "TOKEN"),
    "mailtrap": ("X-MT-Custom-Variables", '{"delivery": "TOKEN"}'),
    "mandrill": ("X-MC-Metadata", '{"delivery": "TOKEN"}'),
}


def reference_fields(carriers: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The fields that messages must have for these providers: names, and forms of their values."""
    return tuple(REFERENCE_FIELDS[name] for name in sorted(set(carriers)) if name in REFERENCE_FIELDS)
