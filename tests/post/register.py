"""A small register with one magazine campaign by post, made by direct inserts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.planning.expansion import expand
from campaigns.register.permit import answering_a_no, open_gate
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.migrate import migrate


@dataclass(frozen=True)
class Reader:
    """A person who subscribes to the magazine."""

    name: str
    postal_code: str = "00150"
    country: str = "FI"
    language: str = "sv"
    street: str = "Provgatan 1"
    city: str = "Provstad"


OpenRegister = Callable[[str, list[Reader]], sa.Engine]


def open_register(url: str, readers: list[Reader]) -> sa.Engine:
    """A migrated database with an expanded campaign 1 of the channel post; reader n is delivery and contact n + 1."""
    engine = make_engine(url)
    migrate(engine)
    now = utc_now()
    with writing(engine) as connection:
        open_gate(connection, "test")
        connection.execute(
            sa.insert(schema.mailing_list).values(
                id=1,
                key="magazine",
                kind="magazine",
                name="Kvist",
                purpose="marketing",
                created_at=now,
                created_by="test",
            )
        )
        for number, reader in enumerate(readers, start=1):
            _add_reader(connection, number, reader)
        _add_campaign(connection)
    expand(engine, 1)
    return engine


def _add_reader(connection: sa.Connection, number: int, reader: Reader) -> None:
    now = utc_now()
    connection.execute(
        sa.insert(schema.contact).values(
            id=number,
            last_name=reader.name,
            language=reader.language,
            street=reader.street,
            postal_code=reader.postal_code,
            city=reader.city,
            country=reader.country,
            key_id=1,
            postal_key=hashlib.sha256(reader.name.encode()).digest(),
            created_at=now,
            created_by="test",
            updated_at=now,
            updated_by="test",
        )
    )
    connection.execute(
        sa.insert(schema.subscription).values(
            list_id=1, contact_id=number, status="subscribed", since=now, changed_by="test"
        )
    )
    connection.execute(
        sa.insert(schema.contact_basis).values(
            contact_id=number, purpose="marketing", basis="consent", evidence="", since=now
        )
    )


def _add_campaign(connection: sa.Connection) -> None:
    connection.execute(
        sa.insert(schema.campaign).values(
            id=1,
            submission_id="M1",
            key="kvist",
            edition="2026-4",
            kind="magazine",
            channel="post",
            purpose="marketing",
            template="magazine",
            sender="default",
            smarthost="main",
            fallback_language="sv",
            status="scheduled",
            created_at=utc_now(),
            created_by="test",
        )
    )
    connection.execute(sa.insert(schema.campaign_list).values(campaign_id=1, list_id=1, rank=0))
    for language in ("sv", "fi"):
        connection.execute(
            sa.insert(schema.campaign_content).values(
                campaign_id=1, language=language, subject="s", html="h", text="t", digest="d"
            )
        )


def unsubscribe(engine: sa.Engine, contact: int) -> None:
    """Record a no as the register does: answered only when it binds every sender."""
    with answering_a_no(engine) as connection:
        connection.execute(
            sa.update(schema.subscription)
            .where(schema.subscription.c.contact_id == contact)
            .values(status="unsubscribed")
        )


def run_out(engine: sa.Engine) -> None:
    """Let every lease be over, as if its owner had died a while ago."""
    with writing(engine) as connection:
        connection.execute(
            sa.update(schema.batch)
            .where(schema.batch.c.owner.is_not(None))
            .values(lease_until=utc_now().replace(year=2020))
        )


def statuses(engine: sa.Engine) -> list[str]:
    """`accepted`, or `withheld no_postal_address`, for each delivery in order of number."""
    row = schema.delivery.c
    with reading(engine) as connection:
        rows = connection.execute(sa.select(row.status, row.reason).order_by(row.number))
        return [f"{found.status} {found.reason or ''}".strip() for found in rows]
