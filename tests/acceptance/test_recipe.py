"""The recipe that works in every release, on both sets of servers; and what must not leak while it runs."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from tests.acceptance.canaries import Person, addresses_in, dumped, marks_in, marks_of, write_people
from tests.acceptance.place import Place, assert_closed, made_place
from tests.architecture.tree import ROOT
from tests.support.smtp_sink import SmtpSink

PEOPLE = 60
NEWSLETTER, MAGAZINE = ROOT / "examples" / "newsletter.toml", ROOT / "examples" / "magazine.toml"


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as running:
        yield running


def test_on_one_machine_with_nothing_but_files(tmp_path: Path, sink: SmtpSink) -> None:
    with made_place(tmp_path / "p", smarthost=f"smtp://127.0.0.1:{sink.port}") as place:
        people = prepare(place)
        # The queue takes a submission though no worker runs yet, and again while one runs.
        submit(place, NEWSLETTER, "first", "news")
        worker = place.start("worker")
        check_mail(place, people, sink, place.completed(1))
        submit(place, NEWSLETTER, "first", "news")
        submit(place, MAGAZINE, "second", "magazine")
        check_print(place, people, place.completed(2))
        check_refusal(place)
        check_letters(people, sink)
        assert place.stop(worker) == 0
        assert [item["submission_id"] for item in place.ask("campaigns", "list")["campaigns"]] == [
            "second",
            "first",
        ]
        kept = b"".join(file.read_bytes() for file in (place.folder / "var" / "valkey").rglob("*aof*"))
        assert b"deliver_batch" in kept
        check_nothing_personal(kept, place.log.read_bytes())


def test_on_postgresql_and_a_valkey_with_two_processes(
    tmp_path: Path, sink: SmtpSink, empty_postgres_url: str, redis_url: str
) -> None:
    settings = {
        "smarthost": f"smtp://127.0.0.1:{sink.port}",
        "database_url": empty_postgres_url,
        "redis_url": redis_url,
    }
    with overheard(redis_url) as heard, made_place(tmp_path / "p", **settings) as place:
        people = prepare(place)
        worker = place.start("worker", "--processes", "2")
        submit(place, NEWSLETTER, "first", "news")
        submit(place, NEWSLETTER, "first", "news")
        submit(place, MAGAZINE, "second", "magazine")
        check_mail(place, people, sink, place.completed(1), also=True)
        check_print(place, people, place.completed(2))
        check_refusal(place)
        check_letters(people, sink)
        assert place.stop(worker) == 0
        assert len(place.campaigns()) == 2
        with redis.Redis.from_url(redis_url) as client:
            kept = dumped(client)
        assert b"deliver_batch" in b"".join(heard)
        check_nothing_personal(kept, b"".join(heard), place.log.read_bytes())


def prepare(place: Place) -> list[Person]:
    """The recipe up to the submission."""
    people = write_people(place.folder / "people.csv", PEOPLE)
    place.ask("init")
    for key, kind, name in (("news", "newsletter", "News"), ("magazine", "magazine", "Kvist")):
        place.ask("lists", "add", key, "--kind", kind, "--name", name)
        answer = place.ask(
            *("contacts", "import", "people.csv", "--list", key),
            *("--source", "trade fair", "--basis", "consent"),
        )
        assert (answer["rows"], answer["refused"]) == (PEOPLE, [])
        assert answer["imported" if key == "news" else "updated"] == PEOPLE
    return people


def submit(place: Place, example: Path, submission_id: str, key: str) -> None:
    answer = place.ask(
        *("campaigns", "submit", str(example), "--submission-id", submission_id),
        *("--set", f'campaign.lists=["{key}"]'),
    )
    assert answer == {"submission_id": submission_id}


def check_mail(
    place: Place, people: list[Person], sink: SmtpSink, shown: dict[str, object], *, also: bool = False
) -> None:
    """Everybody was written to once, and the command says so."""
    assert_closed(shown)
    assert (shown["recipients"], shown["accepted"], shown["withheld"]) == (PEOPLE, PEOPLE, {})
    assert place.ask("campaigns", "show", "1") == shown
    if not also:  # while another campaign is under way its mail is at the sink too
        expected = Counter(person.address for person in people)
        assert Counter(message.recipient for message in sink.messages) == expected


def check_print(place: Place, people: list[Person], shown: dict[str, object]) -> None:
    """The magazine went by mail and by post to everybody."""
    assert_closed(shown)
    assert (shown["recipients"], shown["accepted"], shown["channel"]) == (2 * PEOPLE, 2 * PEOPLE, "both"), (
        shown
    )
    files = list((place.folder / "var" / "print").rglob("A_*.csv"))
    rows = [line for file in files for line in file.read_text("utf-8-sig").splitlines()[1:]]
    assert len(rows) == PEOPLE
    assert Counter(number for row in rows for number in marks_in(row)) == Counter(
        person.number for person in people
    )


def check_refusal(place: Place) -> None:
    """A submission with many faults is listed with all of them, and leaves no campaign."""
    campaign = {
        "key": "Å",
        "edition": "1",
        "kind": "leaflet",
        "lists": ["nowhere"],
        "template": "nothing",
        "subject": {"sv": "Hej", "de": "Tag"},
        "colour": "red",
    }
    bad = {
        "submission_id": "bad",
        "submitted_by": "nobody",
        "campaign": campaign,
        "sender": {"key": "stranger"},
    }
    place.ask("campaigns", "submit", "-", given=json.dumps(bad))
    place.wait(lambda: bool(refused_faults(place)), "the refusal", 30)
    where = {fault["where"] for fault in refused_faults(place)}
    assert where >= {
        *("submitted_by", "campaign.key", "campaign.kind", "campaign.colour", "campaign.subject.de"),
        *("campaign.lists.0", "campaign.template", "sender.key"),
    }


def refused_faults(place: Place) -> list[dict[str, str]]:
    listed = place.ask("campaigns", "list", "--refused")["campaigns"]
    assert all(item["status"] == "refused" and item["submission_id"] == "bad" for item in listed)
    return [fault for item in listed for fault in item["faults"]]


def check_letters(people: list[Person], sink: SmtpSink) -> None:
    """Two messages for each, each with its own marks and one addressee, each with a Message-ID of its own."""
    assert len(sink.messages) == 2 * len(people)
    assert max(sink.count().values()) == 1
    by_address = {person.address: person for person in people}
    for message in sink.messages:
        assert marks_of(message) == {by_address[message.recipient].number}
        assert addresses_in(message) == [message.recipient]


def check_nothing_personal(*places: bytes) -> None:
    """Neither the queue nor the logs hold anything of anybody."""
    for content in places:
        text = content.decode("utf-8", "replace")
        assert not marks_in(text)
        assert "Åsa" not in text
        assert "kund1.example" not in text


@contextmanager
def overheard(url: str) -> Iterator[list[bytes]]:
    """Everything that is said to the server meanwhile."""
    heard: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.connect(urlsplit(url).path)
    listener.sendall(b"MONITOR\r\n")

    def listen() -> None:
        while octets := listener.recv(65536):
            heard.append(octets)

    ear = threading.Thread(target=listen, daemon=True)
    ear.start()
    try:
        yield heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        ear.join(10)
        listener.close()
