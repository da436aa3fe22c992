"""Who leaves and takes it back while the audience is being worked out is still meant; who joins then is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.planning import expansion
from campaigns.register import preferences, subscriptions
from campaigns.register.pauses import Evidence
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import CAMPAIGN, LIST_ID, MOMENT, PEOPLE, TESTER, Register, made_register

LAST = max(PEOPLE)


@pytest.fixture
def register(database_url: str, tmp_path: Path) -> Iterator[Register]:
    with made_register(database_url, tmp_path / "secrets") as made:
        yield made


def leave(register: Register) -> None:
    with answering_a_no(register.engine) as connection:
        leaving = subscriptions.Unsubscription(LAST, LIST_ID, "x", "link")
        subscriptions.unsubscribe(connection, leaving, TESTER)


def join(register: Register) -> None:
    with answering_a_no(register.engine) as connection:
        preferences.join(connection, LAST, LIST_ID, (Evidence("x", "link"), TESTER))


def unexpanded(register: Register, *, subscribed: bool) -> None:
    history, row = schema.subscription_history, schema.subscription
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.campaign).values(status="scheduled", expanded_at=None))
        for table in (schema.attempt, schema.delivery, schema.batch):
            connection.execute(sa.delete(table))
        connection.execute(
            sa.insert(schema.campaign_list).values(campaign_id=CAMPAIGN, list_id=LIST_ID, rank=0)
        )
        if not subscribed:
            connection.execute(sa.delete(row).where(row.c.contact_id == LAST))
            return
        connection.execute(
            sa.insert(history).values(
                contact_id=LAST, list_id=LIST_ID, status="subscribed", at=MOMENT,
                changed_by="process:test", evidence="import",
            )
        )  # fmt: skip


def rows_of_the_last(register: Register) -> list[str]:
    row = schema.delivery.c
    with reading(register.engine) as connection:
        return list(connection.execute(sa.select(row.status).where(row.contact_id == LAST)).scalars())


def test_who_had_left_before_and_comes_back_meanwhile_joined_later(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK_PEOPLE", 2)
    unexpanded(register, subscribed=True)
    leave(register)
    come_to = expansion._begin(register.engine, CAMPAIGN)
    assert come_to is not None
    assert isinstance(expansion._go_on(register.engine, CAMPAIGN, come_to), expansion._Progress)
    join(register)
    assert expansion.expand(register.engine, CAMPAIGN) is not None
    assert rows_of_the_last(register) == []


@pytest.mark.parametrize("before", [True, False], ids=["was on the list", "was not"])
def test_who_is_meant(register: Register, monkeypatch: pytest.MonkeyPatch, *, before: bool) -> None:
    monkeypatch.setattr(expansion, "CHUNK_PEOPLE", 2)
    unexpanded(register, subscribed=before)
    come_to = expansion._begin(register.engine, CAMPAIGN)
    assert come_to is not None
    assert isinstance(expansion._go_on(register.engine, CAMPAIGN, come_to), expansion._Progress)
    if before:
        leave(register)
    join(register)
    assert expansion.expand(register.engine, CAMPAIGN) is not None
    assert rows_of_the_last(register) == (["pending"] if before else [])
