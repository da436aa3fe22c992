"""The contract for asking for a campaign, version 1.

Promise: `read_document` gives a `Submission` or raises `SubmissionRefused` with *all* faults and their
dotted paths; nothing is guessed, and names that the contract does not know are faults. The contract holds
no data of any recipient: merge data belongs to the campaign, tables named sv, fi or en in it to that
language.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from campaigns.errors import Fault, InputError, SubmissionRefused
from campaigns.planning.moments import firings, zone
from campaigns.planning.storable import storing_faults
from campaigns.principal import Principal

DOCUMENT_OCTETS: Final = 1_000_000
_FIRST_YEAR, _LAST_YEAR = 2000, 2200
LANGUAGE_CODES: Final = ("sv", "fi", "en")
Language = Literal["sv", "fi", "en"]
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _principal(text: str) -> str:
    return Principal(text).name


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must be one line without control characters")
    return text


def _distinct(keys: list[str]) -> list[str]:
    if len(set(keys)) != len(keys):
        raise ValueError("names a list twice")
    return keys


def _text(value: object) -> object:
    if not isinstance(value, str | datetime):
        raise ValueError("must be text such as 2026-11-26T08:00:00+02:00")  # noqa: TRY004 (pydantic's way)
    return value


def _in_reach(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment


def _zone_name(text: str) -> str:
    zone(text)
    return text


def _cron(text: str) -> str:
    next(firings(text, "UTC", datetime(2026, 1, 1, tzinfo=UTC)), None)
    return text


def _said(check: Callable[[str], str]) -> Callable[[str], str]:
    """A check of ours, whose errors pydantic lists."""

    def checked(text: str) -> str:
        try:
            return check(text)
        except InputError as error:
            raise ValueError(str(error)) from None

    return checked


ZoneName = Annotated[
    str, Field(max_length=60, examples=["Europe/Helsinki"]), AfterValidator(_said(_zone_name))
]
CronText = Annotated[str, Field(max_length=100, examples=["0 9 * * 2"]), AfterValidator(_said(_cron))]
WallTime = Annotated[datetime, BeforeValidator(_text), AfterValidator(_in_reach)]
Moment = Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(_in_reach)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", examples=["newsletter"])]
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
SubmissionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CampaignPart(_Part):
    """What is sent, to which lists, for which purpose."""

    key: Key
    edition: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]*$")]
    kind: Literal["newsletter", "magazine"]
    channel: Literal["email", "post", "both"] = "email"
    lists: Annotated[list[Key], Field(min_length=1, max_length=50), AfterValidator(_distinct)]
    segment: Annotated[
        str | None,
        Field(
            max_length=4000,
            description="Key of a saved segment, or an expression: who of the lists is meant.",
        ),
    ] = None
    purpose: Key = "marketing"
    subject: Annotated[dict[Language, Line], Field(min_length=1)]
    template: Key
    merge_data: dict[str, Any] = Field(default_factory=dict)


class SchedulePart(_Part):
    """When it starts; at once where nothing is said."""

    send_at: Annotated[
        WallTime | None,
        Field(description="When it starts; without an offset, as the clocks in time_zone show it."),
    ] = None
    time_zone: Annotated[
        ZoneName | None, Field(description="An IANA time zone; the installation's where nothing is said.")
    ] = None
    local_time: Annotated[
        bool, Field(description="Send to each recipient when the clocks of their own country show send_at.")
    ] = False
    cron: Annotated[
        CronText | None,
        Field(description="Recurring: minute, hour, day, month, weekday. Each firing is a campaign."),
    ] = None
    until: Annotated[WallTime | None, Field(description="The last moment at which cron fires.")] = None
    start_within_minutes: Annotated[
        int | None,
        Field(ge=1, le=43_200, description="A start that is later than this waits for a person's word."),
    ] = None


class SenderPart(_Part):
    """Who it comes from: a key of the settings' [senders]."""

    key: Key = "default"


class OptionsPart(_Part):
    """What most submissions leave alone."""

    fallback_language: Language | None = None
    deadline: Moment | None = None
    expire_after_hours: Annotated[
        float | None, Field(gt=0, le=720, description="A deadline counted from the start.")
    ] = None


class Submission(_Part):
    """One request for one campaign."""

    version: Literal[1] = 1
    submission_id: SubmissionId
    submitted_by: Annotated[str, Field(max_length=100), AfterValidator(_principal)]
    signature: Annotated[str, Field(max_length=1000)] | None = None
    campaign: CampaignPart
    schedule: SchedulePart = SchedulePart()
    sender: SenderPart = SenderPart()
    options: OptionsPart = OptionsPart()

    @property
    def fallback_language(self) -> str:
        """The language for contacts without one of the campaign's: as chosen, else the first of the subjects."""
        return self.options.fallback_language or next(iter(self.campaign.subject))


def read_document(document: object) -> Submission:
    """Validate a decoded document.

    Raises:
        SubmissionRefused: with every fault.
    """
    if not isinstance(document, Mapping):
        raise SubmissionRefused([Fault("(document)", "must be a table of names and values")])
    faults = storing_faults(document)
    if not faults and len(canonical(document)) > DOCUMENT_OCTETS:
        faults = [Fault("(document)", f"is larger than {DOCUMENT_OCTETS} octets")]
    try:
        submission = Submission.model_validate(document)
    except ValidationError as error:
        faults += [Fault(_path(found["loc"]), _problem(found)) for found in error.errors()]
        raise SubmissionRefused(faults) from None
    if faults:
        raise SubmissionRefused(faults)
    return submission


def sound_parts(document: object) -> dict[str, dict[str, Any]]:
    """The parts of a document with those of their fields that are in order, however faulty the others are;
    what is left out stands at its default."""
    parts: dict[str, type[BaseModel]] = {
        "campaign": CampaignPart,
        "schedule": SchedulePart,
        "sender": SenderPart,
        "options": OptionsPart,
    }
    given = document if isinstance(document, Mapping) else {}
    return {name: _sound_fields(part, given.get(name, {})) for name, part in parts.items()}


def _sound_fields(part: type[BaseModel], given: object) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if not isinstance(given, Mapping):
        return fields
    for name, field in part.model_fields.items():
        if name in given:
            try:
                fields[name] = TypeAdapter(field.rebuild_annotation()).validate_python(given[name])
            except ValidationError:
                continue
        elif not field.is_required():
            fields[name] = field.get_default(call_default_factory=True)
    return fields


def json_schema() -> dict[str, Any]:
    """The contract as JSON Schema (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Submission.model_json_schema()}


def canonical(document: object) -> bytes:
    """The document as octets that depend on its content alone; values that JSON lacks become text."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "surrogatepass")


def digest(document: object) -> str:
    """SHA-256 of the canonical document, in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part != "[key]") or "(document)"


def _problem(found: Any) -> str:
    if found["type"] == "extra_forbidden":
        return f"the contract has no such name{_names_beside(found['loc'])}"
    if found["type"] == "list_type":
        return 'must be a list, such as ["news"]'
    if found["type"] == "missing":
        return "is missing"
    return str(found["msg"]).removeprefix("Value error, ")


def _names_beside(location: tuple[int | str, ...]) -> str:
    """The names that the contract has in the place of an unknown one."""
    if len(location) == 1:
        return f"; it has {', '.join(Submission.model_fields)}"
    part = Submission.model_fields.get(str(location[0]))
    if len(location) != 2 or part is None or not isinstance(part.annotation, type):
        return ""
    return f"; {location[0]} has {', '.join(getattr(part.annotation, 'model_fields', ()))}"
