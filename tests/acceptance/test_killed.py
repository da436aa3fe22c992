"""Workers killed in the middle of a send: others go on, the accounts close, nobody is written to twice."""

import json
import os
import signal
from pathlib import Path

from tests.acceptance.canaries import write_people
from tests.acceptance.place import Place, assert_closed, made_place
from tests.architecture.tree import ROOT
from tests.support.smtp_sink import SmtpSink

PEOPLE, THREADS = 3_000, 3


def test_kills_in_the_middle_of_a_send(tmp_path: Path, empty_postgres_url: str, redis_url: str) -> None:
    with SmtpSink() as sink:
        settings = {
            "smarthost": f"smtp://127.0.0.1:{sink.port}",
            "database_url": empty_postgres_url,
            "redis_url": redis_url,
        }
        with made_place(tmp_path / "p", **settings) as place:
            prepare(place)
            worker = place.start("worker", "--processes", "2", "--threads", str(THREADS))
            until(place, sink, 300)
            os.kill(children(worker.pid)[0], signal.SIGKILL)
            until(place, sink, len(sink.messages) + 700)
            for process in (worker.pid, *children(worker.pid)):
                os.kill(process, signal.SIGKILL)
            worker.wait()
            stood_at = len(sink.messages)
            place.start("worker", "--processes", "2", "--threads", str(THREADS))
            until(place, sink, stood_at + 50, seconds=30)
            shown = place.completed(1)
        assert_closed(shown)
        assert shown["recipients"] == PEOPLE == shown["accepted"] + shown["uncertain"]
        # Three processes were killed, each with so many connections and one message in hand on each.
        assert shown["uncertain"] <= 3 * THREADS
        assert max(sink.count().values()) == 1
        assert shown["accepted"] <= len(sink.messages) <= PEOPLE
        assert len({message.recipient for message in sink.messages}) == len(sink.messages)


def prepare(place: Place) -> None:
    write_people(place.folder / "people.csv", PEOPLE)
    place.ask("init")
    place.ask("lists", "add", "news", "--kind", "newsletter", "--name", "News")
    origin = ("--source", "trade fair", "--basis", "consent")
    place.ask("contacts", "import", "people.csv", "--list", "news", *origin)
    sample = json.loads((ROOT / "templates" / "plain" / "sample.json").read_text("utf-8"))
    campaign = {"key": "news", "edition": "1", "kind": "newsletter", "lists": ["news"], "template": "plain"}
    submission = {
        "submission_id": "killed",
        "submitted_by": "service:test",
        "campaign": campaign | {"subject": sample["subject"], "merge_data": sample["merge_data"]},
    }
    place.ask("campaigns", "submit", "-", given=json.dumps(submission))


def until(place: Place, sink: SmtpSink, messages: int, seconds: float = 60) -> None:
    place.wait(lambda: len(sink.messages) >= messages, f"{messages} messages", seconds)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in listed.split()]
