"""How long records of each kind are kept: every window has to be said, none has a default."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from campaigns.rights.windows import Windows
from workers import settings_checks as checks

Days = Annotated[int, Field(ge=1, le=36_525)]
#: Mail that nobody could place is not kept longer than this in any case.
ParkedDays = Annotated[int, Field(ge=1, le=30)]


class Retention(BaseModel):
    """How long records are kept, in days."""

    model_config = checks.STRICT

    contacts_days: Days
    events_days: Days
    deliveries_days: Days
    feedback_days: Days
    raw_mail_days: Days
    parked_mail_days: ParkedDays
    suppressions_days: Days
    requests_days: Days
    submissions_days: Days
    audit_days: Days
    accounts_days: Days
    print_files_days: Days
    exports_days: Days
    journals_days: Days

    def windows(self, fields: dict[str, int]) -> Windows:
        """The windows by kind, with those of the extra fields."""
        return Windows({name.removesuffix("_days"): days for name, days in self.model_dump().items()}, fields)
