"""A small register for tests: one list, some contacts, one campaign with their deliveries, and what it came to hold."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.keyfiles import make_keys
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import identity, objections
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.migrate import migrate
from campaigns.tokens import TokenClaims, TokenMaker, TokenPurpose

MAIL_DOMAIN = "mail.timmero.example"
LIST_ID, LIST_NAME, CAMPAIGN = 3, "Nyheter från sågen", 7
MOMENT = datetime(2026, 11, 24, 7, 5, 9, tzinfo=UTC)
TESTER = Principal("os:test")
#: number and contact id -> address and language; number 4 was never attempted.
PEOPLE = {
    1: ("anna.lind@kund.example", "sv"),
    2: ("eero.kivi@asiakas.example", "fi"),
    3: ("mia.ford@customer.example", "en"),
    4: ("olof.berg@kund.example", None),
}
UNATTEMPTED = 4


@dataclass(frozen=True)
class Register:
    """The database and the keys; looks are taken through a connection of their own."""

    url: str
    engine: sa.Engine
    ring: KeyRing
    secrets_dir: Path

    @property
    def tokens(self) -> TokenMaker:
        """Maker and reader of tokens."""
        return TokenMaker(self.ring)

    def claims(self, number: int = 1) -> TokenClaims:
        """What a token of this delivery says."""
        return TokenClaims(CAMPAIGN, number, LIST_ID, number)

    def link(self, purpose: TokenPurpose, number: int = 1) -> str:
        """A token as in a URL."""
        return self.tokens.for_link(purpose, self.claims(number))

    def return_path(self, number: int = 1) -> str:
        """The envelope sender that the delivery had."""
        return f"b-{self.tokens.for_local_part(TokenPurpose.RETURN_PATH, self.claims(number))}@{MAIL_DOMAIN}"

    def leaving_address(self, number: int = 1) -> str:
        """The address for leaving by mail."""
        return f"u-{self.tokens.for_local_part(TokenPurpose.UNSUBSCRIBE, self.claims(number))}@{MAIL_DOMAIN}"

    def message_id(self, number: int = 1) -> str:
        """The Message-ID that the delivery had."""
        return f"<{self.tokens.for_local_part(TokenPurpose.MESSAGE_ID, self.claims(number))}@{MAIL_DOMAIN}>"

    def noes(self) -> set[tuple[str, str, int]]:
        """Kind, channel and list of everything that is suppressed."""
        table = schema.suppression.c
        rows = self._looked_up(sa.select(table.kind, table.channel, table.list_id))
        return {(row.kind, row.channel, row.list_id) for row in rows}

    def status(self, number: int = 1) -> str:
        """The status of a contact's subscription."""
        table = schema.subscription.c
        (row,) = self._looked_up(sa.select(table.status).where(table.contact_id == number))
        return str(row.status)

    def contents(self) -> dict[str, list[Any]]:
        """Everything that is stored, to tell whether something changed."""
        with self._looking() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(sa.select(table))))
                for table in schema.metadata.sorted_tables
            }

    def events(self) -> list[tuple[str, str]]:
        """Kind and consequence of every event, in order."""
        table = schema.feedback_event.c
        rows = self._looked_up(sa.select(table.kind, table.consequence).order_by(table.id))
        return [(row.kind, row.consequence) for row in rows]

    def move(self, number: int, address: str) -> None:
        """Give a contact another address."""
        table = schema.contact
        key = objections.address_key(self.ring, parse_email(address)).key
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(table).where(table.c.id == number).values(email=address, email_key=key)
            )

    def _looked_up(self, statement: sa.Select[Any]) -> list[sa.Row[Any]]:
        with self._looking() as connection:
            return list(connection.execute(statement))

    @contextmanager
    def _looking(self) -> Iterator[sa.Connection]:
        other = make_engine(self.url)
        try:
            with reading(other) as connection:
                yield connection
        finally:
            other.dispose()


@contextmanager
def made_register(url: str, secrets_dir: Path) -> Iterator[Register]:
    """A founded register with its people, each with one accepted delivery but the last."""
    engine = make_engine(url)
    migrate(engine)
    ring = make_keys(secrets_dir)
    with writing(engine) as connection:
        identity.found(connection, secrets.token_hex(8), ring.marks(), TESTER)
        _insert_campaign(connection)
        for number, (address, language) in PEOPLE.items():
            key = objections.address_key(ring, parse_email(address))
            _insert_contact(connection, number, address, language, key)
            _insert_delivery(connection, number, language or "en", key.key)
    try:
        yield Register(url, engine, ring, secrets_dir)
    finally:
        engine.dispose()


def _insert_campaign(connection: sa.Connection) -> None:
    made = {"created_at": MOMENT, "created_by": "process:test"}
    connection.execute(
        sa.insert(schema.mailing_list).values(
            id=LIST_ID, key="sagen", kind="newsletter", name=LIST_NAME, purpose="marketing", **made
        )
    )
    connection.execute(
        sa.insert(schema.campaign).values(
            id=CAMPAIGN, submission_id="autumn", key="autumn", edition="2026-11", kind="newsletter",
            channel="email", purpose="marketing", template="newsletter", sender="news", smarthost="main",
            fallback_language="en", status="sending", expanded_at=MOMENT, **made,
        )
    )  # fmt: skip
    for language in ("sv", "fi", "en"):
        connection.execute(
            sa.insert(schema.campaign_content).values(
                campaign_id=CAMPAIGN, language=language, subject="Nyheter",
                html="<!doctype html><p>Hej</p>", text="Hej", digest="0" * 16,
            )
        )  # fmt: skip


def _insert_contact(
    connection: sa.Connection, number: int, address: str, language: str | None, key: objections.SubjectKey
) -> None:
    connection.execute(
        sa.insert(schema.contact).values(
            id=number, first_name="Kim", last_name="Exempel", email=address, email_key=key.key, key_id=key.key_id,
            language=language, created_at=MOMENT, created_by="process:test", updated_at=MOMENT,
            updated_by="process:test",
        )
    )  # fmt: skip
    connection.execute(
        sa.insert(schema.subscription).values(
            list_id=LIST_ID, contact_id=number, status="subscribed", since=MOMENT, changed_by="process:test"
        )
    )
    connection.execute(
        sa.insert(schema.contact_basis).values(
            contact_id=number, purpose="marketing", basis="consent", evidence="", since=MOMENT
        )
    )


def _insert_delivery(connection: sa.Connection, number: int, language: str, key: bytes) -> None:
    waiting = number == UNATTEMPTED
    connection.execute(
        sa.insert(schema.delivery).values(
            campaign_id=CAMPAIGN, number=number, channel="email", contact_id=number, list_id=LIST_ID,
            language=language, address_key=key, status="pending" if waiting else "accepted",
            attempt=0 if waiting else 1, expanded_at=MOMENT, handed_over_at=None if waiting else utc_now(),
            settled_at=None if waiting else utc_now(),
        )
    )  # fmt: skip
