"""The tables of the settings about who may do what: accounts, approval, signed submissions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from workers import settings_checks as checks


class _Table(BaseModel):
    model_config = checks.STRICT


class AccountTable(_Table):
    """How long a log-in lasts, and how old a password may be; where that is not set it does not matter."""

    login_hours: Annotated[float, Field(gt=0, le=24)] = 8
    password_days: Annotated[int, Field(ge=1)] | None = None


class ApprovalTable(_Table):
    """Campaigns with more recipients than this wait for the word of somebody who did not submit them; whether a ground
    for a transfer outside the EEA counts only with the name of who approved it."""

    above: Annotated[int, Field(ge=0)] | None = None
    transfers: bool = False


class SubmissionTable(_Table):
    """Whether a submission is believed without a signature."""

    signed: bool = False
