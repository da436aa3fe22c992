"""Campaigns that start later, again and again, or by each recipient's own clock."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.clock import iso, utc_now
from campaigns.delivery import accounts, control, open_work, overdue
from campaigns.errors import NotFound, RefusedOperation
from campaigns.planning import recurrence
from campaigns.planning.campaign import Receipt, receive
from campaigns.planning.expansion import expand
from campaigns.planning.firing import document_for, fire_due
from campaigns.planning.moments import instant, next_firing
from campaigns.planning.submission import json_schema
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.operations.place import KAJ, Place
from workers.scheduler import tidy

WEEKLY = {"cron": "0 9 * * 2"}


def kept(place: Place, table: sa.Table) -> sa.RowMapping:
    """The only row of a table."""
    with reading(place.engine) as connection:
        return connection.execute(sa.select(table)).mappings().one()


def test_a_start_without_an_offset_is_read_off_the_clocks_of_its_zone(small_place: Place) -> None:
    place = small_place
    place.people(1)
    place.submit("here", schedule={"send_at": "2031-12-01T09:00:00"})
    place.submit("there", schedule={"send_at": "2031-12-01T09:00:00", "time_zone": "Europe/London"})
    place.submit("exact", schedule={"send_at": "2031-12-01T09:00:00+05:00"})
    starts = [row["send_at"][:16] for row in accounts.list_campaigns(place.engine)]
    assert starts == ["2031-12-01T04:00", "2031-12-01T09:00", "2031-12-01T07:00"]


def test_a_campaign_waits_for_its_start_and_then_begins(small_place: Place) -> None:
    place = small_place
    place.people(2)
    campaign = place.submit(schedule={"send_at": iso(utc_now() + timedelta(hours=1))})
    assert expand(place.engine, campaign) is None
    assert open_work.due_campaigns(place.engine) == []
    place.change(schema.campaign, send_at=utc_now() - timedelta(seconds=1))
    assert open_work.due_campaigns(place.engine) == [campaign]
    assert expand(place.engine, campaign) is not None


@pytest.mark.parametrize("word", [control.resume, control.start])
def test_a_missed_start_waits_for_a_word_and_does_not_surprise(place: Place, word: Any) -> None:
    place.people(2)
    campaign = place.submit(schedule={"send_at": iso(utc_now() - timedelta(hours=7))})
    soon = place.submit("within", schedule={"send_at": iso(utc_now() - timedelta(hours=5))})
    assert expand(place.engine, campaign) is None, "not even where somebody rings for it"
    assert open_work.due_campaigns(place.engine) == [soon]
    assert overdue.hold_missed(place.engine) == [campaign]
    shown = {row["id"]: row for row in accounts.list_campaigns(place.engine)}[campaign]
    assert (shown["status"], shown["hold_reason"]) == ("paused", "missed_start")
    word(place.engine, campaign, KAJ)
    assert overdue.hold_missed(place.engine) == []
    assert expand(place.engine, campaign) is not None


def test_a_look_that_finds_nothing_to_do_makes_no_sender_ask_again(place: Place) -> None:
    place.people(2)
    expand(place.engine, place.submit())
    before = kept(place, schema.gate)["epoch"]
    tidy(place.installation)
    assert kept(place, schema.gate)["epoch"] == before


def test_the_window_can_be_set_for_each_campaign(small_place: Place) -> None:
    place = small_place
    place.people(1)
    place.submit(schedule={"send_at": iso(utc_now() - timedelta(minutes=10)), "start_within_minutes": 5})
    assert len(overdue.hold_missed(place.engine)) == 1


def test_a_deadline_may_be_counted_from_the_start(small_place: Place) -> None:
    place = small_place
    place.people(1)
    place.submit(schedule={"send_at": "2031-12-01T09:00:00"}, options={"expire_after_hours": 48})
    assert kept(place, schema.campaign)["deadline_at"] == datetime(2031, 12, 3, 7, tzinfo=UTC)


def submitted_weekly(place: Place, **schedule: Any) -> int:
    receipt = receive(place.installation.planning, place.document("weekly", schedule={**WEEKLY, **schedule}))
    assert receipt.recurrence_id is not None, receipt.faults
    assert receipt.campaign_id is None
    return receipt.recurrence_id


def test_each_firing_is_a_campaign_of_its_own(place: Place) -> None:
    place.people(2)
    submitted_weekly(place)
    assert receive(place.installation.planning, place.document("weekly", schedule=WEEKLY)).recurrence_id == 1
    assert fire_due(place.installation.planning) == []
    fired_at = datetime(2026, 11, 24, 7, tzinfo=UTC)
    place.change(schema.recurrence, next_at=fired_at)
    following = next_firing("0 9 * * 2", "Europe/Helsinki", utc_now(), None)
    (firing,) = fire_due(place.installation.planning)
    assert firing.receipt.campaign_id is not None, firing.receipt.faults
    assert fire_due(place.installation.planning) == []
    assert kept(place, schema.recurrence)["next_at"] == following
    campaign = kept(place, schema.campaign)
    assert campaign["submission_id"].startswith("weekly:20")
    assert campaign["edition"].startswith("2026-11 20")


def test_two_schedulers_that_fire_at_once_and_one_that_died_halfway_make_one_campaign(place: Place) -> None:
    place.people(1)
    submitted_weekly(place)
    planning, now = place.installation.planning, utc_now().replace(microsecond=0)
    place.change(schema.recurrence, next_at=now)
    row = kept(place, schema.recurrence)
    receive(planning, document_for(row["document"], row["time_zone"], now))  # and then it died
    barrier = threading.Barrier(3)
    made: list[Receipt] = []

    def fire() -> None:
        barrier.wait()
        made.extend(firing.receipt for firing in fire_due(planning))

    threads = [threading.Thread(target=fire) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({receipt.campaign_id for receipt in made}) == 1
    assert len(accounts.list_campaigns(place.engine)) == 1
    assert not recurrence.advance(place.engine, row, now), "only from where it was seen"


def test_schedulers_that_receive_the_same_firing_at_once_make_one_campaign(place: Place) -> None:
    place.people(1)
    planning, barrier = place.installation.planning, threading.Barrier(4)
    receipts: list[Receipt] = []

    def take() -> None:
        barrier.wait()
        receipts.append(receive(planning, place.document("same")))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {receipt.campaign_id for receipt in receipts} == {1}
    assert place.tags().count(("service:website", "register:campaign:submit")) == 1
    assert place.submit("next") == 2, "and no number of a campaign is used up"


def test_two_documents_under_one_id_at_once_are_one_campaign_and_one_refusal(place: Place) -> None:
    place.people(1)
    planning, barrier = place.installation.planning, threading.Barrier(2)
    receipts: list[Receipt] = []

    def take(edition: str) -> None:
        barrier.wait()
        receipts.append(receive(planning, place.document("same", campaign={"edition": edition})))

    threads = [threading.Thread(target=take, args=(edition,)) for edition in ("2026-11", "2026-12")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(receipt.faults) for receipt in receipts) == [0, 1]
    assert len(accounts.list_refused(place.engine)) == 1


def test_of_several_missed_firings_the_last_one_waits_for_a_word(place: Place) -> None:
    place.people(1)
    submitted_weekly(place, cron="0 9 * * *")
    long_ago = utc_now() - timedelta(days=5)
    first = next_firing("0 9 * * *", "Europe/Helsinki", long_ago, None)
    place.change(schema.recurrence, next_at=first)
    (firing,) = fire_due(place.installation.planning)
    assert firing.missed == 4
    assert len(accounts.list_campaigns(place.engine)) == 1
    place.change(schema.campaign, start_by=utc_now() - timedelta(minutes=1))
    assert overdue.hold_missed(place.engine) == [firing.receipt.campaign_id]


def test_a_schedule_ends_with_its_last_firing_or_on_a_persons_word(place: Place) -> None:
    place.people(1)
    number = submitted_weekly(place)
    assert recurrence.stop(place.engine, number, KAJ)
    assert not recurrence.stop(place.engine, number, KAJ)
    with pytest.raises(NotFound):
        recurrence.stop(place.engine, 77, KAJ)
    assert place.tags()[-1] == ("os:kaj", "register:schedule:stop")
    place.change(schema.recurrence, status="active", next_at=utc_now(), until=utc_now() + timedelta(hours=1))
    assert len(fire_due(place.installation.planning)) == 1
    shown = recurrence.list_schedules(place.engine)
    assert (shown[0]["status"], shown[0]["next_at"]) == ("ended", None)


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"schedule": {"cron": "0 9 * * 2", "send_at": "2031-01-01T09:00:00"}}, "schedule.send_at"),
    ({"schedule": {"cron": "*/5 * * * *"}}, "schedule.cron"),
    ({"schedule": {"cron": "0 9 31 2 *"}}, "schedule.cron"),
    ({"schedule": {"cron": "0 9 * * 2", "until": "2020-01-01T00:00:00"}}, "schedule.cron"),
    ({"schedule": {**WEEKLY}, "options": {"deadline": "2031-01-01T00:00:00Z"}}, "options.deadline"),
    ({"schedule": {**WEEKLY}, "campaign": {"edition": "e" * 35}}, "campaign.edition"),
    ({"schedule": {"until": "2031-01-01T00:00:00"}}, "schedule.until"),
    ({"schedule": {"local_time": True}}, "schedule.local_time"),
    ({"schedule": {"local_time": True, "send_at": "2031-01-01T09:00:00Z"}}, "schedule.local_time"),
    ({"schedule": {"send_at": "2031-01-01T09:00:00Z", "time_zone": "UTC"}}, "schedule.time_zone"),
    ({"schedule": {"time_zone": "Europe/Nowhere"}}, "schedule.time_zone"),
    ({"schedule": {"time_zone": "../../etc/passwd"}}, "schedule.time_zone"),
    ({"schedule": {"send_at": "2031-01-01T09:00:00"}, "options": {"deadline": "2030-01-01T00:00:00Z"}},
     "options.deadline"),
    ({"options": {"deadline": "2031-01-01T00:00:00Z", "expire_after_hours": 3}}, "options.expire_after_hours"),
]  # fmt: skip


def test_a_schedule_that_contradicts_itself_is_refused(small_place: Place) -> None:
    small_place.people(1)
    for parts, wrong in CONTRADICTIONS:
        receipt = receive(small_place.installation.planning, small_place.document(**parts))
        assert receipt.campaign_id is None
        assert [fault.where for fault in receipt.faults] == [wrong]


def test_the_contract_knows_schedules() -> None:
    known = json_schema()["$defs"]["SchedulePart"]["properties"]
    assert set(known) == {"send_at", "time_zone", "local_time", "cron", "until", "start_within_minutes"}


def test_each_country_is_written_to_when_its_own_clocks_show_the_time(place: Place) -> None:
    place.people(3, country="Finland")
    place.people(2, first=10, country="Sverige")
    place.people(2, first=20, country="UK")
    place.people(1, first=30, country="Atlantis")
    place.people(1, first=40)
    local = (datetime.now(UTC) + timedelta(hours=20)).replace(microsecond=0, tzinfo=None)
    campaign = place.submit(schedule={"send_at": local.isoformat(), "local_time": True})
    assert kept(place, schema.campaign)["send_at"] < utc_now() + timedelta(hours=20)
    place.change(schema.campaign, send_at=utc_now())
    assert expand(place.engine, campaign) is not None
    with reading(place.engine) as connection:
        batches = connection.execute(sa.select(schema.batch).order_by(schema.batch.c.batch_no)).all()
    sizes = {batch.due_at: batch.last_number - batch.first_number + 1 for batch in batches}
    helsinki = instant(local, "Europe/Helsinki")
    assert sizes == {
        helsinki: 5,
        helsinki + timedelta(hours=1): 2,
        helsinki + timedelta(hours=2): 2,
    }
    assert open_work.due_batches(place.engine) == []
    assert place.send(campaign) is None
    for table in (schema.batch, schema.delivery):
        place.change(table, due_at=utc_now() - timedelta(seconds=1))
    for batch in batches:
        place.send(campaign, batch.batch_no)
    assert place.show(campaign)["accepted"] == 9


def test_a_campaign_by_local_clocks_can_be_started_for_everybody_at_once(small_place: Place) -> None:
    place = small_place
    place.people(2, country="Finland")
    place.people(2, first=10, country="Sverige")
    campaign = place.submit(schedule={"send_at": "2031-12-01T09:00:00", "local_time": True})
    control.start(place.engine, campaign, KAJ)
    assert expand(place.engine, campaign) is not None
    assert len(open_work.due_batches(place.engine)) == 1
    with pytest.raises(RefusedOperation):
        control.start(place.engine, campaign, KAJ)
