"""Settings: `utskick.toml` in the working directory, overlaid by `UTSKICK_*`; the only reader of the
environment.

`UTSKICK_DATABASE_URL` sets `database_url`; two underscores go down a table (`UTSKICK_CONTROLLER__NAME`).
Promise: all faults are reported at once, each with its place, and nothing starts (`SettingsError`, exit 2).
Names that are not settings are faults, also in the environment. The guard over processors runs here, so
that no process starts with a transport that may not be used. Secrets never stand in a repr.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, Field, SecretStr, ValidationError

from campaigns.errors import ContractEnded, Fault, GuardRefused, SettingsError
from campaigns.register.processors import SELF, Party, Processor, guard
from workers import settings_checks as checks
from workers.settings_access import AccountTable, ApprovalTable, SubmissionTable
from workers.settings_faults import PREFIX, faults_of, unreadable
from workers.settings_feedback import Mailbox, Webhook
from workers.settings_pages import OptInTable, opt_in_faults
from workers.settings_parties import ProcessorTable, RecipientTable, party_faults
from workers.settings_register import FieldTable, SegmentsTable, field_faults
from workers.settings_retention import Retention
from workers.settings_traffic import (
    BrakeTable,
    CommonLimits,
    DkimTable,
    Limits,
    MetricsTable,
    WarmUpTable,
    dkim_faults,
)

FILE_NAME: Final = "utskick.toml"
#: Used by the project's own tests, not settings.
_NOT_SETTINGS: Final = ("UTSKICK_TEST_",)

Language = Literal["sv", "fi", "en"]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Minutes = Annotated[float, Field(gt=0, le=10_080)]
Key = checks.Key


class _Table(BaseModel):
    model_config = checks.STRICT


class Controller(_Table):
    """Who answers for the register; shown in every message's footer and on every page."""

    name: Text
    business_id: Text
    street: Text
    postal_code: Text
    city: Text
    country: Text
    email: checks.Mailbox
    phone: Text
    register_name: Text
    contact_person: Text
    privacy_url: checks.HttpsUrl


class TimeoutTable(_Table):
    """The longest waits for one smarthost, in seconds, each for one command and its whole reply.

    The defaults are those of RFC 5321 4.5.3.2. A short `dot` is the classic cause of mail that arrives twice.
    """

    connect: Seconds = 30
    greeting: Seconds = 300
    ehlo: Seconds = 300
    mail: Seconds = 300
    rcpt: Seconds = 300
    data: Seconds = 120
    block: Seconds = 180
    dot: Seconds = 600
    quit: Seconds = 5


class Smarthost(_Table):
    """A server that takes our mail."""

    url: SecretStr
    processor: Key | None = None
    carrier: checks.ProviderName | None = None
    limits: Limits = Limits()
    timeouts: TimeoutTable = TimeoutTable()


class Schedules(_Table):
    """When a start is too late to happen without a person's word."""

    start_within_minutes: Annotated[int, Field(ge=1, le=43_200)] = 360


class RetryTable(_Table):
    """When to try again and when to give up; see `campaigns.delivery.policy`."""

    first_waits_minutes: Annotated[tuple[Minutes, ...], Field(max_length=20)] = (15, 30, 60)
    later_wait_minutes: Minutes = 120
    later_spread_minutes: Annotated[float, Field(ge=0, le=1440)] = 60
    give_up_after_hours: Annotated[float, Field(gt=0, le=720)] = 96
    shortest_pause_seconds: Seconds = 5
    longest_pause_seconds: Seconds = 300


class Sender(_Table):
    """A visible author (From) and the smarthosts that carry its mail, the first that is well."""

    name: Text
    address: checks.Mailbox
    reply_to: checks.Mailbox | None = None
    smarthost: Key | Annotated[tuple[Key, ...], Field(min_length=1)] = "main"
    dkim: Key | None = None
    warm_up: WarmUpTable | None = None

    @property
    def route(self) -> tuple[str, ...]:
        """The smarthosts that carry its mail, the preferred one first."""
        return (self.smarthost,) if isinstance(self.smarthost, str) else self.smarthost


class PrintHouse(_Table):
    """Where the address files of the printed magazine are written."""

    folder: Path
    processor: Key | None = None
    width: Annotated[int, Field(ge=20, le=80)] = 30
    max_rows: Annotated[int, Field(ge=4, le=8)] = 6


class Settings(_Table):
    """All settings of one installation."""

    database_url: SecretStr | None = None
    redis_url: SecretStr = SecretStr("embedded")
    public_url: checks.PublicUrl
    mail_domain: checks.Domain
    secrets_dir: checks.NamedPath = Path("var/secrets")
    data_dir: checks.NamedPath = Path("var")
    opt_out_log: checks.NamedPath | None = None
    token: checks.NamedPath | None = None
    default_language: Language = "en"
    time_zone: checks.ZoneName = "Europe/Helsinki"
    controller: Controller
    smarthosts: dict[Key, Smarthost] = {}
    processors: dict[Key, ProcessorTable] = {}
    recipients: dict[Key, RecipientTable] = {}
    dkim: dict[Key, DkimTable] = {}
    limits: CommonLimits = CommonLimits()
    brakes: BrakeTable = BrakeTable()
    metrics: MetricsTable = MetricsTable()
    senders: Annotated[dict[Key, Sender], Field(min_length=1)]
    print_houses: dict[Key, PrintHouse] = {}
    webhooks: dict[Key, Webhook] = {}
    mailboxes: dict[Key, Mailbox] = {}
    opt_in: OptInTable = OptInTable()
    retries: RetryTable = RetryTable()
    schedules: Schedules = Schedules()
    accounts: AccountTable = AccountTable()
    approval: ApprovalTable = ApprovalTable()
    submissions: SubmissionTable = SubmissionTable()
    fields: dict[str, FieldTable] = {}
    segments: SegmentsTable = SegmentsTable()
    retention: Retention

    @property
    def database(self) -> str:
        """The database URL; by default a SQLite file in the data folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'utskick.db'}"

    @property
    def opt_out_file(self) -> Path:
        """This machine's opt-out log; by default beside the keys, which are kept apart from the database."""
        return self.opt_out_log or self.secrets_dir / "opt-out.log"

    def smarthost_processor(self, key: str) -> Processor:
        """The processor that a smarthost belongs to."""
        smarthost = self.smarthosts[key]
        if checks.stays_here(smarthost.url.get_secret_value()):
            return self.own_processor()
        return self.processor(smarthost.processor or "")

    def print_house_processor(self, key: str) -> Processor:
        """The processor that a print house belongs to; without one, the files stay with us."""
        house = self.print_houses[key]
        return self.processor(house.processor) if house.processor else self.own_processor()

    def processor(self, key: str) -> Processor:
        """A declared processor (KeyError where there is none)."""
        return self.processors[key].processor(key)

    @property
    def receivers(self) -> dict[str, Party]:
        """Everybody who may be given exports, by key: ourselves, processors, and declared recipients."""
        declared = {key: table.recipient(key) for key, table in self.recipients.items()}
        return {
            SELF: self.own_processor(),
            **{key: self.processor(key) for key in self.processors},
            **declared,
        }

    def own_processor(self) -> Processor:
        """The controller itself."""
        return Processor(SELF, self.controller.name, "controller", "FI", "own operation", None)


def load_settings(
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    today: date | None = None,
    sends: bool = True,
) -> Settings:
    """Read, overlay, check. A contract that has ended is a fault for whoever `sends`; what takes a "no" in, answers a
    person or only reads goes on, and nothing is given to that processor whoever asks.

    Raises:
        SettingsError: with every fault found, each naming its file or variable and what to do.
    """
    folder = folder or Path.cwd()
    path = folder / FILE_NAME
    values = _read_file(path)
    faults: list[Fault] = []
    sources = _overlay(values, os.environ if environment is None else environment, faults)
    today = today or date.today()  # noqa: DTZ011 (a contract's last day is a local date)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults += faults_of(error, Settings, sources, path)
        raise SettingsError(faults + _cross_faults(_sound_tables(values), today, sends)) from None
    faults += _cross_faults(settings, today, sends)
    if faults:
        raise SettingsError(faults)
    return _anchored(settings, folder)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([unreadable(path, error)]) from None


def _overlay(
    values: dict[str, Any], environment: Mapping[str, str], faults: list[Fault]
) -> dict[tuple[str, ...], str]:
    """Put the environment over the file's values; returns which path came from which variable."""
    sources: dict[tuple[str, ...], str] = {}
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name.startswith(_NOT_SETTINGS):
            continue
        path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
        path = ("smarthosts", "main", "url") if path == ("smarthost",) else path
        sources[path] = name
        if not _put(values, path, value):
            faults.append(Fault(name, "there is no such setting"))
    return sources


def _put(values: dict[str, Any], path: tuple[str, ...], value: str) -> bool:
    """Put a value in its place; False where a value stands in place of a table on the way."""
    for part in path[:-1]:
        below = values.setdefault(part, {})
        if not isinstance(below, dict):
            return False
        values = below
    values[path[-1]] = value
    return True


def _sound_tables(values: Mapping[str, Any]) -> Settings:
    """The tables that refer to each other, without those that are faulty in themselves.

    Something harmless stands in for a faulty table that others refer to: its own fault is reported already.
    """
    harmless: dict[str, BaseModel] = {
        "smarthosts": Smarthost(url=SecretStr("file:-")),
        "processors": ProcessorTable(name="-", role="-", country="FI", contract="-"),
    }
    sound: dict[str, dict[str, BaseModel]] = {}
    for name in ("smarthosts", "processors", "dkim", "senders", "print_houses", "webhooks", "mailboxes"):
        model = get_args(Settings.model_fields[name].annotation)[1]
        sound[name] = {}
        tables = values.get(name)
        for key, table in tables.items() if isinstance(tables, dict) else ():
            try:
                sound[name][key] = model.model_validate(table)
            except ValidationError:
                if name in harmless:
                    sound[name][key] = harmless[name]
    return Settings.model_construct(**sound)  # type: ignore[arg-type]  # the tables are those of the fields


def _anchored(settings: Settings, folder: Path) -> Settings:
    houses = {
        key: house.model_copy(update={"folder": folder / house.folder})
        for key, house in settings.print_houses.items()
    }
    return settings.model_copy(
        update={
            "secrets_dir": folder / settings.secrets_dir,
            "data_dir": folder / settings.data_dir,
            "token": folder / settings.token.expanduser() if settings.token else None,
            "opt_out_log": folder / settings.opt_out_log if settings.opt_out_log else None,
            "print_houses": houses,
        }
    )


def _cross_faults(settings: Settings, today: date, sends: bool) -> list[Fault]:
    faults = [
        Fault(
            f"senders.{key}.smarthost",
            f"there is no [smarthosts.{smarthost}]; set UTSKICK_SMARTHOST or declare it",
        )
        for key, sender in settings.senders.items()
        for smarthost in sender.route
        if smarthost not in settings.smarthosts
    ]
    for key, sender in settings.senders.items():
        faults += dkim_faults(f"senders.{key}", sender.address, sender.dkim, settings.dkim)
    for key, smarthost in settings.smarthosts.items():
        faults += _smarthost_faults(settings, key, smarthost, today, sends)
    faults += field_faults(settings.fields)
    faults += party_faults(settings.recipients, settings.processors, settings.approval)
    faults += opt_in_faults(settings.opt_in, settings.senders)
    used = [
        (f"print_houses.{key}", house.processor)
        for key, house in settings.print_houses.items()
        if house.processor
    ]
    used += [(f"webhooks.{key}", hook.processor) for key, hook in settings.webhooks.items()]
    used += [(f"mailboxes.{key}", box.whose) for key, box in settings.mailboxes.items()]
    for place, processor in used:
        if processor != SELF:
            faults += _guard_faults(settings, place, processor, today, sends)
    return faults


def _smarthost_faults(
    settings: Settings, key: str, smarthost: Smarthost, today: date, sends: bool
) -> list[Fault]:
    place = f"smarthosts.{key}"
    url = smarthost.url.get_secret_value()
    problem = checks.smarthost_problem(url)
    if problem:
        return [Fault(f"{place}.url", problem)]
    if checks.stays_here(url):
        return []
    if smarthost.processor is None:
        return [Fault(place, "names no processor; say whose server it is and declare it under [processors]")]
    return _guard_faults(settings, place, smarthost.processor, today, sends)


def _guard_faults(settings: Settings, place: str, processor: str, today: date, sends: bool) -> list[Fault]:
    if processor not in settings.processors:
        return [Fault(f"{place}.processor", f"there is no [processors.{processor}]")]
    try:
        guard(settings.processor(processor), today)
    except ContractEnded as error:
        return [Fault(place, str(error))] if sends else []
    except GuardRefused as error:
        return [Fault(place, str(error))]
    return []
