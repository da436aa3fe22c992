"""What is wrong with settings, for people: where, what, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

from campaigns.errors import Fault

PREFIX: Final = "UTSKICK_"
#: How alike a name and a slip of it are.
_SLIP: Final = 0.75
Names = tuple[str, ...]


def faults_of(
    error: ValidationError, model: type[BaseModel], sources: Mapping[Names, str], path: Path
) -> list[Fault]:
    """A fault for each that was found; `sources` are the variables that gave values, `path` the file of the others."""
    faults = []
    if not path.exists():
        faults.append(
            Fault(str(path), "there is no such file; copy utskick.example.toml there and fill it in")
        )
    for found in error.errors():
        where = tuple(str(part) for part in found["loc"] if part != "[key]")
        variable = sources.get(where)
        problem = _problem(found["type"], found["msg"])
        if found["type"] == "extra_forbidden" and (meant := _meant(model, where)):
            shown = PREFIX + "__".join(meant).upper() if variable else ".".join(meant)
            problem += f"; did you mean {shown}?"
        faults.append(Fault(variable or f"{path.name}: {'.'.join(where)}", problem))
    return faults


def unreadable(path: Path, error: OSError | ValueError) -> Fault:
    """The settings' file cannot be read, or is no TOML."""
    if isinstance(error, UnicodeDecodeError):
        return Fault(str(path), "is not written in UTF-8; save it as UTF-8")
    return Fault(str(path), (error.strerror if isinstance(error, OSError) else None) or str(error))


def _problem(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such setting"
    if kind == "missing":
        return "is missing; the register needs it"
    if kind == "string_too_short":
        return "must not be empty"
    return message.removeprefix("Value error, ")


def _meant(model: type[BaseModel], where: Sequence[str]) -> Names:
    """The setting that an unknown name was probably to be; empty where nothing is near."""
    above = iter(where[:-1])
    for part in above:
        field = model.model_fields.get(part)
        below = field.annotation if field else None
        if get_origin(below) is dict:
            next(above, None)
            below = get_args(below)[1]
        if not (isinstance(below, type) and issubclass(below, BaseModel)):
            return ()
        model = below
    near = difflib.get_close_matches(where[-1], model.model_fields, n=1, cutoff=_SLIP)
    return (*where[:-1], near[0]) if near else ()
