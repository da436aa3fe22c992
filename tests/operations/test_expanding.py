"""Expansion in chunks: killed, doubled, interrupted by a person's word, joined by newcomers; the accounts come out."""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import control, open_work
from campaigns.planning import expansion
from campaigns.planning.expansion import expand
from campaigns.register import permit
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.architecture.tree import ROOT
from tests.operations.place import KAJ, Place
from tests.support.processes import start_tied

PEOPLE, CHUNK = 60, 7
#: Expands campaign 1 of the database in its argument, in chunks of a few people.
EXPANDER = """
import sys, time
from campaigns.planning import audience, expansion
from campaigns.store.engine import make_engine
expansion.CHUNK_PEOPLE, expansion.BREATH_SECONDS = int(sys.argv[2]), 0
real = audience.rows_of
def slowly(*given):
    time.sleep(0.01)
    return real(*given)
audience.rows_of = slowly
print("ready", flush=True)
expansion.expand(make_engine(sys.argv[1]), 1)
"""


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion, "CHUNK_PEOPLE", CHUNK)
    monkeypatch.setattr(expansion, "BREATH_SECONDS", 0)


def after(looks: int, act: Callable[[], object]) -> Callable[[], bool]:
    """Something that is done when expansion asks for the so many-th time whether to stop."""
    asked = iter(range(1_000))

    def stopping() -> bool:
        if next(asked) == looks:
            act()
        return False

    return stopping


def judge(place: Place, campaign: int, people: int = PEOPLE) -> None:
    """Every one of the people has one row, and each row lies in one batch."""
    row, batch = schema.delivery.c, schema.batch.c
    with reading(place.engine) as connection:
        rows = connection.execute(
            sa.select(row.number, row.contact_id).where(row.campaign_id == campaign).order_by(row.number)
        ).all()
        batches = connection.execute(
            sa.select(batch.first_number, batch.last_number)
            .where(batch.campaign_id == campaign)
            .order_by(batch.batch_no)
        ).all()
    assert len({item.contact_id for item in rows}) == len(rows) == people
    assert [number for first, last in batches for number in range(first, last + 1)] == [
        item.number for item in rows
    ]


def test_a_killed_expander_is_followed_where_it_was(place: Place, tmp_path: Path) -> None:
    place.people(PEOPLE)
    campaign = place.submit()
    dice, log, waypoints = random.Random(5), tmp_path / "expander.log", set()
    url = place.installation.settings.database
    for kills in range(12):
        log.write_text("")
        command = [sys.executable, "-c", EXPANDER, url, str(CHUNK)]
        child = start_tied(command, log, env={**os.environ, "PYTHONPATH": str(ROOT)})
        while "ready" not in log.read_text():
            assert child.poll() is None, log.read_text()
            time.sleep(0.01)
        time.sleep(dice.random() * 0.2 * 1.5**kills)  # a machine with much to do comes to it later
        child.send_signal(signal.SIGKILL)
        child.wait()
        shown = place.show(campaign)
        waypoints.add((shown["status"], shown["recipients"]))
        if shown["status"] == "sending" or (kills >= 5 and len(waypoints) > 1):
            break
        assert open_work.due_campaigns(place.engine) == [campaign]
    made = expand(place.engine, campaign)
    assert (made is None) == (("sending", PEOPLE) in waypoints)
    assert any(status == "expanding" for status, _ in waypoints), waypoints
    judge(place, campaign)
    assert place.show(campaign)["expanded_percent"] == 100


def test_of_two_expanders_one_does_each_chunk_and_the_other_leaves(place: Place) -> None:
    place.people(PEOPLE)
    campaign = place.submit()
    made: list[object] = []
    both = [threading.Thread(target=lambda: made.append(expand(place.engine, campaign))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(item is None for item in made) == [False, True]
    judge(place, campaign)


@pytest.mark.parametrize("looks", [1, 4])
def test_a_campaign_paused_in_the_middle_goes_on_where_it_was(place: Place, looks: int) -> None:
    place.people(PEOPLE)
    campaign = place.submit()
    assert (
        expand(place.engine, campaign, after(looks, lambda: control.pause(place.engine, campaign, KAJ)))
        is None
    )
    shown = place.show(campaign)
    assert (shown["status"], shown["recipients"], shown["pending"]) == (
        "paused",
        looks * CHUNK,
        looks * CHUNK,
    )
    assert 0 < shown["expanded_percent"] < 100
    assert expand(place.engine, campaign) is None
    assert control.resume(place.engine, campaign, KAJ).status == "scheduled"
    assert expand(place.engine, campaign) is not None
    judge(place, campaign)


def test_a_word_during_a_chunk_undoes_the_chunk(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word is said after the chunk's rows are written, and before they are committed."""
    if place.engine.dialect.name == "sqlite":
        return  # it has one writer: nobody can say a word in the middle of a chunk
    place.people(PEOPLE)
    campaign = place.submit()
    real = expansion._demand_expanding
    chunks = iter(range(1_000))

    def late(connection: sa.Connection, number: int) -> None:
        if next(chunks) == 2:
            control.cancel(place.engine, campaign, KAJ)
        real(connection, number)

    monkeypatch.setattr(expansion, "_demand_expanding", late)
    assert expand(place.engine, campaign) is None
    shown = place.show(campaign)
    assert (shown["status"], shown["cancelled"], shown["recipients"]) == ("cancelled", 2 * CHUNK, 2 * CHUNK)
    assert expand(place.engine, campaign) is None


def test_a_campaign_cancelled_in_the_middle_closes_its_accounts(place: Place) -> None:
    place.people(PEOPLE)
    campaign = place.submit(campaign={"channel": "email"})
    assert (
        expand(place.engine, campaign, after(3, lambda: control.cancel(place.engine, campaign, KAJ))) is None
    )
    shown = place.show(campaign)
    assert (shown["status"], shown["cancelled"]) == ("cancelled", 3 * CHUNK)
    assert expand(place.engine, campaign) is None


def test_a_worker_that_has_to_stop_stops_between_two_chunks(small_place: Place) -> None:
    small_place.people(PEOPLE)
    campaign = small_place.submit()
    looks = iter(range(1_000))
    assert expand(small_place.engine, campaign, lambda: next(looks) == 3) is None
    shown = small_place.show(campaign)
    assert (shown["status"], shown["recipients"]) == ("expanding", 3 * CHUNK)
    assert open_work.due_campaigns(small_place.engine) == [campaign]
    assert expand(small_place.engine, campaign) is not None
    judge(small_place, campaign)


def test_nothing_is_expanded_while_everything_is_halted(place: Place) -> None:
    place.people(PEOPLE)
    campaign = place.submit()

    def halt() -> None:
        with writing(place.engine) as connection:
            permit.halt_in(connection, "a fault")

    assert expand(place.engine, campaign, after(2, halt)) is None
    assert place.show(campaign)["recipients"] == 2 * CHUNK
    assert expand(place.engine, campaign) is None
    with writing(place.engine) as connection:
        permit.end_halt(connection)
    assert expand(place.engine, campaign) is not None
    judge(place, campaign)


def test_who_joins_after_the_beginning_is_not_meant_any_more(place: Place) -> None:
    place.people(PEOPLE)
    with writing(place.engine) as connection:
        # Whom the list does not have at the beginning, and who comes during it.
        last = connection.execute(sa.select(sa.func.max(schema.subscription.c.contact_id))).scalar_one()
        for table in (schema.subscription, schema.subscription_history):
            connection.execute(sa.delete(table).where(table.c.contact_id == last))
    campaign = place.submit()

    def join() -> None:
        with writing(place.engine) as connection:
            list_id = connection.execute(sa.select(schema.mailing_list.c.id)).scalars().first()
            joined = {"contact_id": last, "list_id": list_id, "status": "subscribed"}
            kept = {**joined, "changed_by": "process:test"}
            connection.execute(sa.insert(schema.subscription).values(**kept, since=utc_now()))
            history = sa.insert(schema.subscription_history)
            connection.execute(history.values(**kept, at=utc_now(), evidence=""))
        copy_of_everybody(place, by=1_000_000)

    assert expand(place.engine, campaign, after(2, join)) is not None
    judge(place, campaign, PEOPLE - 1)


def copy_of_everybody(place: Place, *, by: int) -> None:
    """As many people again, on the same list."""
    contact, subscription = schema.contact, schema.subscription
    names = [column.name for column in contact.columns if column.name not in ("id", "email", "email_key")]
    with writing(place.engine) as connection:
        connection.execute(
            sa.insert(contact).from_select(
                ["id", *names], sa.select(contact.c.id + by, *(contact.c[name] for name in names))
            )
        )
        kept = ("list_id", "status", "since", "changed_by")
        connection.execute(
            sa.insert(subscription).from_select(
                ["contact_id", *kept],
                sa.select(subscription.c.contact_id + by, *(subscription.c[name] for name in kept)),
            )
        )


def test_others_write_between_two_chunks_on_sqlite(
    small_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "BREATH_SECONDS", 0.12)
    place = small_place
    place.people(PEOPLE)
    campaign = place.submit()
    waits: list[float] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            began = time.monotonic()
            with writing(place.engine) as connection:
                connection.execute(sa.update(schema.mailing_list).values(name="News"))
            waits.append(time.monotonic() - began)
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    assert expand(place.engine, campaign) is not None
    over.set()
    writer.join()
    assert len(waits) > 10
    assert max(waits) < 2
    judge(place, campaign)
