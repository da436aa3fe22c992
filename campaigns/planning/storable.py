"""Which documents both databases can keep as they are, and what is kept of those that they cannot.

PostgreSQL takes neither U+0000 nor half a surrogate pair in a text, nor a number that is none; and nothing can walk
through a document that is nested without end. Promise: `storing_faults` names every such place; `storable` gives the
nearest document that can be kept, so that a refusal never fails for what it was refused for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from campaigns.errors import Fault

DEPTH: Final = 40
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storing_faults(document: object) -> list[Fault]:
    """Every place of a decoded document that cannot be kept."""
    faults: list[Fault] = []
    _look(document, (), faults)
    return faults


def storable(document: object) -> Any:
    """The document, with U+FFFD for what no database keeps and a note for what is nested too deeply."""
    return _kept(document, 0)


def storable_text(text: str) -> str:
    """The text, with U+FFFD for what no database keeps."""
    return _UNSTORABLE.sub("\ufffd", text)


def _look(value: object, place: tuple[str, ...], faults: list[Fault]) -> None:
    where = ".".join(place) or "(document)"
    if isinstance(value, str) and _UNSTORABLE.search(value):
        faults.append(Fault(where, "holds a character that no message can carry (U+0000 or half a pair)"))
    elif isinstance(value, float) and not math.isfinite(value):
        faults.append(Fault(where, "is not a number"))
    elif isinstance(value, Mapping | list | tuple):
        if len(place) == DEPTH:
            faults.append(Fault(".".join(place[:3]) + "…", f"is nested more than {DEPTH} levels deep"))
            return
        inner = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, item in inner:
            if isinstance(name, str) and _UNSTORABLE.search(name):
                faults.append(Fault(where, "has a name that no database can keep"))
            _look(item, (*place, storable_text(str(name))), faults)


def _kept(value: object, depth: int) -> Any:
    if isinstance(value, Mapping | list | tuple) and depth == DEPTH:
        return "(nested too deeply)"
    if isinstance(value, Mapping):
        return {storable_text(str(name)): _kept(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return storable_text(str(value))
