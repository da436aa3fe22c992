"""What a person asks for in their own words, in Swedish, Finnish or English. Pure.

Promise: only the new words of a short letter count, and only where they say plainly which right is meant; what is not
plain stays with the parked mail, for a person to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from campaigns.feedback.answers import new_words
from campaigns.feedback.mime import TooComplex, leaves, read_message, words

Kind = Literal["access", "rectification", "erasure", "restriction", "portability"]

#: The most telling first: who asks for a copy and for erasure is opened a case of erasure.
_SAID: Final[Mapping[Kind, tuple[str, ...]]] = {
    "erasure": (
        "radera mina uppgifter", "radera alla uppgifter", "radera alla mina", "rätten att bli glömd", "glömma mig",
        "poistakaa tietoni", "poistakaa kaikki tietoni", "poistakaa minua koskevat", "tulla unohdetuksi",
        "delete my data", "delete all my data", "delete my personal data", "delete all my personal data",
        "erase my data", "erase my personal data", "right to be forgotten", "right to erasure",
    ),
    "restriction": (
        "begränsa behandlingen", "begränsning av behandling", "rajoittakaa tietojeni", "käsittelyn rajoittamista",
        "restrict the processing", "restrict processing", "restriction of processing",
    ),
    "rectification": (
        "rätta mina uppgifter", "korrigera mina uppgifter", "korjatkaa tietoni", "oikaiskaa tietoni",
        "correct my data", "correct my personal data", "rectify my",
    ),
    "portability": ("dataportabilitet", "siirtää tietoni järjestelmästä", "data portability", "right to portability"),
    "access": (
        "registerutdrag", "vilka uppgifter ni har om mig", "vilka personuppgifter ni", "en kopia av mina uppgifter",
        "tarkastuspyyntö", "mitä tietoja teillä on minusta", "tarkastaa tietoni", "kopio tiedoistani",
        "subject access request", "copy of my data", "copy of my personal data", "what data you hold",
        "what personal data you", "right of access",
    ),
}  # fmt: skip
_MOST_WORDS: Final = 300


def read(raw: bytes) -> Kind | None:
    """The right that a letter asks for; None where it is not plain."""
    try:
        message = read_message(raw)
        text = next((part.text for part in leaves(message) if part.fields.content_type in _TEXT), "")
    except TooComplex:
        return None
    said = new_words(text)
    if len(said.split()) > _MOST_WORDS:
        return None
    lower = " ".join(f"{words(message.fields.get('subject'))} {said}".lower().split())
    return next((kind for kind, phrases in _SAID.items() if any(map(lower.__contains__, phrases))), None)


_TEXT: Final = frozenset({"", "text/plain", "text/html"})
