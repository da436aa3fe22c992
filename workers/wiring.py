"""From settings to working parts: the one place that knows which part gets which.

Promise: nothing is opened that is not needed; a register that was not initialised, or whose keys do not
match the secrets folder, is refused before anything runs (`KeysFault`). What only some processes need
(templates, letters, editions) is imported when it is first asked for, since every short command comes through here.
"""

from __future__ import annotations

import getpass
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.errors import KeysFault, NotAllowed
from campaigns.keyfiles import make_keys, read_keys
from campaigns.keyring import KeyRing, hold_against
from campaigns.principal import Principal
from campaigns.register import access_tokens, identity, transfers
from campaigns.register.opt_out_log import OptOutLog
from campaigns.register.permit import Keeper, kept_by
from campaigns.register.processors import ended, outside
from campaigns.register.witness import Witness
from campaigns.store.engine import is_missing, make_engine, reading, where, writing
from campaigns.store.migrate import migrate, schema_is_current
from campaigns.tokens import TokenMaker
from workers.guarding import today
from workers.secret_files import secret_lines, signing_keys
from workers.settings import Settings, load_settings

if TYPE_CHECKING:
    from campaigns.content.model import Brand
    from campaigns.delivery.composing import Author, Stationery
    from campaigns.delivery.dkim import Signer
    from campaigns.delivery.policy import Retries
    from campaigns.delivery.results import Carrier
    from campaigns.delivery.transport import Timeouts
    from campaigns.planning.authority import Signing
    from campaigns.planning.campaign import Planning
    from campaigns.post.edition import PrintHouse
    from campaigns.register.audit_chain import Sealer
    from campaigns.register.declared import DeclaredField

#: The print house that editions go to, as the settings name it.
PRINT_HOUSE: Final = "main"


@dataclass(frozen=True)
class Installation:
    """One installation of Utskick: its settings and what follows from them, made when first asked for."""

    settings: Settings

    @cached_property
    def engine(self) -> sa.Engine:
        """The register's database."""
        keeper = Keeper(OptOutLog(self.settings.opt_out_file), Witness(self.settings.data_dir / "journal"))
        return kept_by(make_engine(self.settings.database), keeper)

    @cached_property
    def ring(self) -> KeyRing:
        """The register's keys, held against what the register remembers.

        Raises:
            KeysFault: the register is not initialised, or keys are lost or foreign.
            Unreachable: the database is away.
        """
        if is_missing(self.engine):
            raise KeysFault(f"there is no register {where(self.engine)} yet; run `utskick init`")
        if not schema_is_current(self.engine):
            raise KeysFault(f"{where(self.engine)} is not a register of this release; run `utskick init`")
        folder = self.settings.secrets_dir
        return hold_against(read_keys(folder), identity.key_marks(self.engine), folder)

    @property
    def sealer(self) -> Sealer:
        """What seals and checks the audit log; the last seal is noted beside the opt-out log."""
        from campaigns.register.audit_chain import Sealer
        from campaigns.register.audit_mark import SealFile

        return Sealer(self.engine, self.ring, SealFile(self.settings.opt_out_file.parent))

    @cached_property
    def tokens(self) -> TokenMaker:
        """Maker and reader of tokens."""
        return TokenMaker(self.ring)

    @cached_property
    def brand(self) -> Brand:
        """Who writes, and where pictures are."""
        from campaigns.content.model import CONTROLLER_FIELDS, Brand

        controller = self.settings.controller
        return Brand(
            self.settings.public_url, {name: str(getattr(controller, name)) for name in CONTROLLER_FIELDS}
        )

    @cached_property
    def planning(self) -> Planning:
        """What planning needs."""
        from campaigns.content.catalogue import Catalogue
        from campaigns.planning.campaign import Planning
        from campaigns.planning.timetable import Clocks

        senders = {key: sender.route[0] for key, sender in self.settings.senders.items()}
        within = timedelta(minutes=self.settings.schedules.start_within_minutes)
        return Planning(
            self.engine,
            Catalogue(),
            self.brand,
            senders,
            prints=self.print_house is not None,
            fields=self.fields,
            clocks=Clocks(self.settings.time_zone, within),
            signing=submission_signing(self.settings, self.ring),
        )

    @property
    def fields(self) -> dict[str, DeclaredField]:
        """The declared extra fields of contacts."""
        return {name: table.declared(name) for name, table in self.settings.fields.items()}

    @property
    def stationery(self) -> Stationery:
        """What all letters share."""
        from campaigns.delivery.carriers import reference_fields
        from campaigns.delivery.composing import Stationery

        carriers = (smarthost.carrier for smarthost in self.settings.smarthosts.values())
        fields = reference_fields(carrier for carrier in carriers if carrier)
        return Stationery(self.tokens, self.settings.public_url, self.settings.mail_domain, fields)

    def author(self, sender: str) -> Author:
        """The author behind a sender's key (KeyError where it is gone from the settings)."""
        from campaigns.delivery.composing import Author

        found = self.settings.senders[sender]
        signer = self.signer(found.dkim) if found.dkim else None
        return Author(found.name, found.address, found.reply_to, signer)

    def signer(self, key: str) -> Signer:
        """What signs for [dkim.KEY].

        Raises:
            KeysFault: a key is missing, malformed, too weak or open to others.
        """
        from workers.signing import read_signer

        return read_signer(self.settings, key)

    @property
    def warnings(self) -> list[str]:
        """What a person should know of these settings, though they can be used."""
        urls = (
            parse_smarthost_url(item.url.get_secret_value()) for item in self.settings.smarthosts.values()
        )
        return (
            [url.warning for url in urls if url.warning]
            + [
                f"{it.label}: data may leave the EEA for {it.country} ({it.transfer_ground}); "
                f"approved by {it.transfer_approved_by or 'nobody named'}"
                for it in outside(self.settings.receivers.values())
            ]
            + [
                f"{it.label}: contract {it.contract!r} ended on {it.ends}; nothing goes there"
                for it in ended(self.settings.receivers.values(), today(self.settings))
            ]
        )

    def note_transfers(self) -> None:
        """Tell in the audit log on which ground data may leave the EEA."""
        parties = outside(self.settings.receivers.values())
        if parties:
            with writing(self.engine) as connection:
                transfers.note_transfers(connection, parties, Principal("process:settings"))

    def carrier(self, smarthost: str) -> Carrier:
        """Smarthost and processor, as attempts name them."""
        from campaigns.delivery.results import Carrier

        return Carrier(smarthost, self.settings.smarthost_processor(smarthost).key)

    @cached_property
    def retries(self) -> Retries:
        """When to try again, and when to give up."""
        from campaigns.delivery.policy import Retries

        table = self.settings.retries
        return Retries(
            first_waits=tuple(timedelta(minutes=wait) for wait in table.first_waits_minutes),
            later_wait=timedelta(minutes=table.later_wait_minutes),
            later_spread=timedelta(minutes=table.later_spread_minutes),
            give_up_after=timedelta(hours=table.give_up_after_hours),
            shortest_pause=timedelta(seconds=table.shortest_pause_seconds),
            longest_pause=timedelta(seconds=table.longest_pause_seconds),
        )

    def timeouts(self, smarthost: str) -> Timeouts:
        """How long to wait for a smarthost's answers."""
        from campaigns.delivery.transport import Timeouts

        return Timeouts(**self.settings.smarthosts[smarthost].timeouts.model_dump())

    @property
    def print_house(self) -> PrintHouse | None:
        """The print house of the magazine; None where none is configured."""
        from campaigns.post.edition import PrintHouse
        from campaigns.post.postal_address import PrintProfile

        house = self.settings.print_houses.get(PRINT_HOUSE)
        if house is None:
            return None
        processor = self.settings.print_house_processor(PRINT_HOUSE)
        profile = PrintProfile(house.width, house.max_rows)
        return PrintHouse(
            PRINT_HOUSE, house.folder, profile, processor.name, f"contract {processor.contract}"
        )

    def print_carrier(self, house: str) -> Carrier:
        """Print house and processor, as attempts name them."""
        from campaigns.delivery.results import Carrier

        return Carrier(f"print:{house}", self.settings.print_house_processor(house).key)


def opened() -> Installation:
    """The installation of the settings, with its register open.

    Raises:
        SettingsError: the settings cannot be used; every fault.
        KeysFault: as `Installation.ring`.
        Unreachable: the database is away.
    """
    installation = Installation(load_settings(sends=False))
    installation.ring  # noqa: B018 (refuses a register that was never made, or whose keys are lost or foreign)
    return installation


def submission_signing(settings: Settings, ring: KeyRing | None = None) -> Signing:
    """The keys that submissions are signed with; the database is not asked.

    Raises:
        KeysFault: a key can be read by others, or is too short.
    """
    from campaigns.planning.authority import Signing

    folder = settings.secrets_dir
    ring = ring or read_keys(folder)
    services = {
        path.stem.removeprefix("signing-"): signing_keys(path)
        for path in sorted(folder.glob("signing-*.secret"))
    }
    return Signing(ring.derived("submission") if ring else {}, services, settings.submissions.signed)


def operator() -> Principal:
    """Who gives a command: whom the token file of UTSKICK_TOKEN stands for, else the owner of the secrets folder.

    Raises:
        NotAllowed: the token is worth nothing (any more), or neither a token nor the folder is this user's.
        KeysFault: others can read the token's file.
        Unreachable: the database is away.
    """
    settings = load_settings(sends=False)
    if settings.token is None:
        return _host_operator(settings.secrets_dir)
    lines = secret_lines(settings.token)
    engine = make_engine(settings.database)
    try:
        with reading(engine) as connection:
            found = access_tokens.bearer(connection, lines[0]) if lines else None
    finally:
        engine.dispose()
    if found is None:
        raise NotAllowed(f"the token in {settings.token} is worth nothing (any more); run `utskick login`")
    return found


def _host_operator(folder: Path) -> Principal:
    """The operating system's user, where the secrets folder is theirs (or not made yet), or they are root."""
    user = os.geteuid()
    if folder.exists() and user not in (0, folder.stat().st_uid):
        raise NotAllowed(f"{folder} belongs to somebody else; log in (`utskick login`) and set UTSKICK_TOKEN")
    return Principal(f"os:{getpass.getuser()}")


def initialise(settings: Settings, principal: Principal) -> KeyRing:
    """Bring the database to the present schema and give a register that has none its keys and its gate. Repeatable;
    keys added to the secrets folder since are taken into the register.

    Raises:
        KeysFault: the register has keys and the secrets folder lacks or contradicts them.
        Unreachable: the database is away.
    """
    engine = make_engine(settings.database)
    try:
        migrate(engine)
        with writing(engine) as connection:
            return _keys(connection, settings.secrets_dir, principal)
    finally:
        engine.dispose()


def _keys(connection: sa.Connection, folder: Path, principal: Principal) -> KeyRing:
    marks = identity.read_marks(connection)
    ring = read_keys(folder)
    if not marks:
        ring = ring or make_keys(folder)
        identity.found(connection, secrets.token_hex(16), ring.marks(), principal)
    ring = hold_against(ring, marks, folder)
    identity.remember(connection, ring.marks(), principal)
    return ring
