"""Mails that ask for a confirmation keep to the routes and limits of their sender, like any other."""

from datetime import datetime, timedelta

import sqlalchemy as sa
import time_machine

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.register import mailing_lists, opt_ins
from campaigns.register.mailing_lists import MailingList
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.operations.place import KAJ, Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from tests.traffic.roads import limited, opened_room, send
from workers.opt_in_sending import OptInRoom
from workers.shared_limits import SharedLimits

Sinks = tuple[SmtpSink, SmtpSink]
BUSY = Answer(b"421 4.3.2 shutting down\r\n", cut=True)


def asked(place: Place, count: int) -> list[int]:
    """So many people ask for the list `news`; their wishes."""
    with writing(place.engine) as connection:
        news = mailing_lists.add(
            connection, MailingList(0, "news", "newsletter", "News", "marketing"), KAJ
        ).id
        for number in range(count):
            address = parse_email(f"ny{number}@kund.example")
            wanted = opt_ins.Wanted("join", address, "sv", "yes", f"source {number}", news)
            assert opt_ins.ask(connection, place.installation.ring, wanted)
    return opt_ins.due(place.engine)


def wishes(place: Place) -> list[tuple[str, datetime]]:
    """Status and next moment of all wishes."""
    table = schema.opt_in.c
    with reading(place.engine) as connection:
        return [
            (row.status, row.due_at)
            for row in connection.execute(sa.select(table.status, table.due_at).order_by(table.id))
        ]


def test_another_smarthost_takes_over_at_once(place: Place, sinks: Sinks) -> None:
    main, backup = sinks
    main.script.rules.append(Rule("mail", BUSY))
    first, second = asked(place, 2)
    with opened_room(place) as room:
        opted = OptInRoom(place.installation, room)
        assert opted.send(first) == [(first, "sent")]
        assert opted.send(second) == [(second, "sent")]
    assert (len(main.messages), len(backup.messages)) == (0, 2)
    assert len(main.sessions) == 1, "the second mail knew that the first smarthost rests"


def test_where_all_are_away_the_mail_waits_and_is_sent_once(place: Place, sinks: Sinks) -> None:
    main, backup = sinks
    main.script.rules.append(Rule("mail", BUSY, times=1))
    backup.script.rules.append(Rule("mail", BUSY, times=1))
    (wish,) = asked(place, 1)
    with opened_room(place) as room:
        opted = OptInRoom(place.installation, room)
        assert opted.send(wish) == [(wish, "waiting")]
        assert opted.send(wish) == [(wish, None)]
        ((status, due),) = wishes(place)
        assert status == "waiting"
        assert timedelta(0) < due - utc_now() < timedelta(minutes=1)
        with time_machine.travel(due + timedelta(seconds=1), tick=True):
            assert opted.send(wish) == [(wish, "sent")]
            assert opted.send(wish) == [(wish, None)]
    assert len(main.messages) + len(backup.messages) == 1


def test_a_rate_holds_for_them_too(place: Place, sinks: Sinks, shared: SharedLimits) -> None:
    slow = limited(place, {"smarthosts": {"main": {"limits": {"rate": 0.1}}}})
    first, second = asked(slow, 2)
    with opened_room(slow, shared) as room:
        opted = OptInRoom(slow.installation, room)
        assert opted.send(first) == [(first, "sent")]
        assert opted.send(second) == [(second, "waiting")]
    assert len(sinks[0].messages) == 1
    assert timedelta(seconds=5) < wishes(slow)[1][1] - utc_now() < timedelta(seconds=15)


def test_they_use_the_slot_of_a_campaign(place: Place, sinks: Sinks, shared: SharedLimits) -> None:
    narrow = limited(place, {"smarthosts": {"main": {"limits": {"connections": 1}}}})
    narrow.people(2)
    (wish,) = asked(narrow, 1)
    campaign = narrow.opened()
    with opened_room(narrow, shared) as room, opened_room(narrow, shared) as other:
        send(room, campaign)
        assert OptInRoom(narrow.installation, other).send(wish) == [(wish, "waiting")], "all slots are taken"
        with time_machine.travel(utc_now() + timedelta(seconds=2), tick=True):
            assert OptInRoom(narrow.installation, room).send(wish) == [(wish, "sent")]
    assert len(sinks[0].messages) == 3
    assert [session.reached >= {"quit"} for session in sinks[0].sessions] == [True, True]
