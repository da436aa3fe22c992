"""Settings of what the register may hold beyond the common columns, and how small a group may be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from campaigns.errors import Fault
from campaigns.register.declared import DeclaredField
from campaigns.register.intake_heads import COLUMNS
from workers import settings_checks as checks

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WORDS_OF_SEGMENTS = frozenset(
    ("and", "or", "not", "in", "is", "empty", "contains", "starts", "list", "event", "company", "received")
)


class FieldTable(BaseModel):
    """One declared extra field of a contact."""

    model_config = checks.STRICT

    type: Literal["text", "number", "date", "yes_no", "choice", "reference"]
    purpose: Annotated[str, Field(min_length=1, max_length=200)]
    retention_days: Annotated[int, Field(ge=1)]
    choices: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()
    heads: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()

    def declared(self, name: str) -> DeclaredField:
        """The field as the register knows it."""
        return DeclaredField(name, self.type, self.purpose, self.retention_days, self.choices, self.heads)


class SegmentsTable(BaseModel):
    """How segments are counted."""

    model_config = checks.STRICT

    minimum_group: Annotated[int, Field(ge=1, le=1000)] = 5


def field_faults(fields: Mapping[str, FieldTable]) -> Iterator[Fault]:
    """Names that cannot be used, and choices where there are none or should be none."""
    for name, table in fields.items():
        if not _NAME.fullmatch(name) or name in COLUMNS or name in _WORDS_OF_SEGMENTS:
            yield Fault(f"fields.{name}", "this name is taken, or is not of a to z, 0 to 9 and _")
        if (table.type == "choice") != bool(table.choices):
            yield Fault(f"fields.{name}.choices", "belong to a field of type choice, and to no other")
