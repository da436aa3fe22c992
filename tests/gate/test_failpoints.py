"""A sender stopped at each of its steps, a "no" answered meanwhile, and the sender woken again."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.register import subscriptions
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.architecture.tree import ROOT
from tests.gate.stopping_sender import POINTS
from tests.operations.place import Place, made_place
from tests.support.processes import start_tied
from tests.support.register import TESTER
from tests.support.smtp_sink import SmtpSink

#: Stopped after the second look, the message had begun before the "no" was answered: it may be completed.
TOO_LATE = {"checked again", "begun noted", "dot out"}


def is_stopped(pid: int) -> bool:
    """Whether the process is stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def say_no(place: Place, number: int) -> float:
    """The recipient of a delivery leaves the list; when that was answered, on the boot clock."""
    delivery = schema.delivery.c
    with reading(place.engine) as connection:
        contact, list_id = connection.execute(
            sa.select(delivery.contact_id, delivery.list_id).where(delivery.number == number)
        ).one()
    wish = subscriptions.Unsubscription(contact, list_id, "test", "test")
    with answering_a_no(place.engine) as connection:
        subscriptions.unsubscribe(connection, wish, TESTER)
    return boot_seconds()


def test_no_message_that_begins_after_the_answer_is_completed(database_url: str, tmp_path: Path) -> None:
    stamps = tmp_path / "stamps"
    with (
        SmtpSink() as sink,
        made_place(tmp_path, database_url, f"smtp://127.0.0.1:{sink.port}") as place,
    ):
        # Between two that are stopped there is one that is not, so that each finds a connection in full swing.
        stops = {str(2 * index + 2): point for index, point in enumerate(POINTS)}
        place.people(2 * len(POINTS) + 1)
        campaign = place.opened()
        program = ROOT / "tests" / "gate" / "stopping_sender.py"
        command = [sys.executable, str(program), str(campaign), json.dumps(stops), str(stamps)]
        environment = {**os.environ, **place.environment, "PYTHONPATH": str(ROOT)}
        child = start_tied(["env", "-C", str(place.folder), *command], tmp_path / "log", env=environment)
        answered = {}
        for number in stops:
            wait_for_stop(child.pid, tmp_path / "log")
            answered[number] = say_no(place, int(number))
            os.kill(child.pid, signal.SIGCONT)
        assert child.wait(60) == 0, (tmp_path / "log").read_text()

        completed = {message.recipient for message in sink.messages}
        assert max(sink.count().values()) == 1
        addresses, statuses = ledger(place)
        began = dict(line.split() for line in stamps.read_text().splitlines())
        for number, point in stops.items():
            arrived = addresses[number] in completed
            assert arrived == (point in TOO_LATE), point
            assert statuses[number] == ("accepted" if arrived else "withheld"), point
            if arrived:
                assert float(began[number]) < answered[number], point
        assert [statuses[number] for number in statuses if number not in stops] == ["accepted"] * 8


def wait_for_stop(pid: int, log: Path) -> None:
    """Wait until the sender has stopped itself."""
    deadline = time.monotonic() + 60
    while not is_stopped(pid):
        if time.monotonic() > deadline:
            pytest.fail(f"the sender did not stop: {log.read_text()}")
        time.sleep(0.005)


def ledger(place: Place) -> tuple[dict[str, str], dict[str, str]]:
    """Addresses and statuses by number."""
    delivery, contact = schema.delivery.c, schema.contact.c
    with reading(place.engine) as connection:
        rows = connection.execute(
            sa.select(delivery.number, contact.email, delivery.status)
            .join_from(schema.delivery, schema.contact, contact.id == delivery.contact_id)
            .order_by(delivery.number)
        ).all()
    return {str(row[0]): row[1] for row in rows}, {str(row[0]): row[2] for row in rows}
