"""Settings: every fault at once and in its place, nothing started, no secret in any text."""

import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.errors import SettingsError
from campaigns.register.transfers import ALLOWED
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.acceptance.place import made_place
from tests.architecture.tree import ROOT
from tests.support.register import TESTER
from workers.settings import Settings, load_settings
from workers.wiring import Installation, initialise

TODAY = date(2026, 11, 25)
LOCAL = "smtp://127.0.0.1:2525"
REMOTE = "smtps://relay.postilaiva.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "utskick.example.toml", tmp_path / "utskick.toml")
    return tmp_path


def change(folder: Path, path: str, value: object) -> None:
    """Set one value of the file; None takes it away."""
    file = folder / "utskick.toml"
    document = tomllib.loads(file.read_text("utf-8"))
    *above, last = path.split(".")
    table: dict[str, Any] = document
    for name in above:
        table = table.setdefault(name, {})
    if value is None:
        del table[last]
    else:
        table[last] = value
    file.write_text("\n".join(toml(document)), "utf-8")


def toml(table: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """A table as lines of TOML, its own values before the tables in it."""
    yield f"[{place}]" if place else ""
    for name, value in table.items():
        if not isinstance(value, dict):
            text = value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
            yield f"{name} = {text}"
    for name, value in table.items():
        if isinstance(value, dict):
            yield from toml(value, f"{place}.{name}" if place else name)


def load(folder: Path, **environment: str) -> Settings:
    return load_settings(
        folder, {f"UTSKICK_{name}": value for name, value in environment.items()}, today=TODAY
    )


def faults(folder: Path, **environment: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(folder, **environment)
    found = {fault.where: fault.problem for fault in caught.value.faults}
    assert len(found) == len(caught.value.faults), "one place is named twice"
    return found


def test_every_fault_is_told_at_once_each_in_its_place(folder: Path) -> None:
    change(folder, "controller.name", None)
    change(folder, "controller.email", "nobody")
    change(folder, "retention", None)
    change(folder, "colour", "red")
    change(folder, "senders.default.smarthost", "nowhere")
    change(folder, "processors.mail-operator.ends", date(2026, 11, 24))
    change(folder, "processors.print-works.country", "Sweden")
    found = faults(
        folder,
        PUBLIC_URL="http://mail.company.example",
        SMARTHOST=REMOTE,
        SENDERS__DEFAULT__COLOUR="red",
        REDIS_URL__PORT="1",
        HOST="x",
    )
    assert set(found) == {
        *("utskick.toml: controller.name", "utskick.toml: controller.email", "utskick.toml: retention"),
        *("utskick.toml: colour", "utskick.toml: processors.print-works.country"),
        *(
            "UTSKICK_PUBLIC_URL",
            "UTSKICK_SENDERS__DEFAULT__COLOUR",
            "UTSKICK_REDIS_URL__PORT",
            "UTSKICK_HOST",
        ),
        *("smarthosts.main", "webhooks.mail-operator"),
    }
    assert "there is no such setting" in {found["UTSKICK_HOST"], found["utskick.toml: colour"]}
    assert "ended on 2026-11-24" in found["smarthosts.main"]


def test_without_a_file_it_says_so_and_what_to_do(tmp_path: Path) -> None:
    found = faults(tmp_path)
    assert "utskick.example.toml" in found[str(tmp_path / "utskick.toml")]
    assert "utskick.toml: controller" in found


@pytest.mark.parametrize("content", [b"controller = ", b"\xff\xfe", b"[a]\n[a]\n"])
def test_a_file_that_cannot_be_read_is_one_fault(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "utskick.toml").write_bytes(content)
    assert list(faults(tmp_path)) == [str(tmp_path / "utskick.toml")]


def test_the_environment_wins_and_a_test_s_own_names_are_none_of_its_business(folder: Path) -> None:
    settings = load(folder, CONTROLLER__NAME="Timmerö Ab", TEST_DATABASE_URL="x", SMARTHOST=LOCAL)
    assert settings.controller.name == "Timmerö Ab"


URLS = {
    "smtp://relay.postilaiva.example": None,
    "smtps://user:hemligt@relay.postilaiva.example:465": None,
    "smtp://relay.postilaiva.example?tls=none": None,
    "lmtp://127.0.0.1:24": None,
    "file:outbox": None,
    "smtp://user:hemligt@relay.postilaiva.example?tls=none": "nothing secret is sent without TLS",
    "smtp://user:hemligt@127.0.0.1?tls=none": "nothing secret is sent without TLS",
    "smtps://relay.postilaiva.example?tls=none": "contradict",
    "http://relay.postilaiva.example": "begins with none of",
    "smtp://relay:hemligt": "cannot be read",
    "smtp://": "is written",
    "file://host/outbox": "file:FOLDER",
    "": "begins with none of",
}


@pytest.mark.parametrize("url", URLS)
def test_the_smarthost_is_safe_or_refused(folder: Path, url: str) -> None:
    problem = URLS[url]
    if problem is None:
        load(folder, SMARTHOST=url)
    else:
        (found,) = faults(folder, SMARTHOST=url).items()
        assert "smarthosts.main" in found[0] or found[0] == "UTSKICK_SMARTHOST"
        assert problem in found[1]
        assert "hemligt" not in str(found)


def test_mail_in_the_clear_is_warned_of(folder: Path) -> None:
    clear = Installation(load(folder, SMARTHOST="smtp://relay.postilaiva.example?tls=none")).warnings
    assert len(clear) == 1
    assert "unencrypted" in clear[0]
    for quiet in (LOCAL, REMOTE, "file:outbox"):
        assert Installation(load(folder, SMARTHOST=quiet)).warnings == []


def test_a_worker_warns_of_mail_in_the_clear_when_it_starts(tmp_path: Path, redis_url: str) -> None:
    url = "smtp://relay.postilaiva.example?tls=none"
    with made_place(tmp_path / "p", smarthost=url, redis_url=redis_url) as place:
        place.ask("init")
        worker = place.start("worker")
        place.wait(
            lambda: place.log.exists() and "worker started" in place.log.read_text("utf-8"), "the start"
        )
        assert place.stop(worker) == 0
        assert "unencrypted" in place.log.read_text("utf-8")


def test_several_worker_processes_are_refused_as_one_is(tmp_path: Path) -> None:
    with made_place(tmp_path / "p", smarthost="file:outbox") as place:
        done = place.run("worker", "--processes", "2")
    assert done.returncode == 1
    assert "utskick init" in done.stderr


PROCESSORS = [
    ({"country": "US"}, "outside the EEA"),
    ({"country": "GB"}, "outside the EEA"),
    ({"country": "US", "transfer_ground": "SCC 2021/914, TIA of 2026-03-01"}, None),
    ({"ends": date(2026, 11, 24)}, "ended on 2026-11-24"),
    ({"ends": date(2026, 11, 25)}, None),
    ({"country": "AX"}, None),
    ({"country": "NO"}, None),
]


@pytest.mark.parametrize("changes,problem", PROCESSORS)
def test_a_processor_has_a_contract_and_a_place_or_a_ground(
    folder: Path, changes: dict[str, object], problem: str | None
) -> None:
    for name, value in changes.items():
        change(folder, f"processors.mail-operator.{name}", value)
    change(folder, "webhooks", None)
    load(folder, SMARTHOST=LOCAL)  # what stays here needs no processor
    if problem is None:
        load(folder, SMARTHOST=REMOTE)
    else:
        assert problem in faults(folder, SMARTHOST=REMOTE)["smarthosts.main"]


def test_a_contract_that_ended_stops_who_sends_and_nobody_who_listens(tmp_path: Path, redis_url: str) -> None:
    with made_place(tmp_path / "p", smarthost=REMOTE, redis_url=redis_url) as place:
        place.ask("init")
        change(place.folder, "processors.mail-operator.ends", date(2026, 11, 24))
        for sending in ("worker", "scheduler", "up", "check"):
            done = place.run(sending)
            assert (done.returncode, "ended on 2026-11-24" in done.stderr) == (2, True), sending
        place.ask("suppressions", "add", "p7@kund.example", "--evidence", "letter of 12 November")
        assert len(place.ask("suppressions", "list")["suppressions"]) == 1
        web = place.start("web", "--port", "0")
        place.wait(lambda: place.log.exists() and "web started" in place.log.read_text("utf-8"), "the start")
        assert place.stop(web) == 0
        assert "ended on 2026-11-24; nothing goes there" in place.log.read_text("utf-8")


def test_a_transfer_outside_the_eea_is_warned_of_and_told_in_the_log_with_who_approved_it(
    folder: Path,
) -> None:
    change(folder, "processors.mail-operator.country", "US")
    change(folder, "processors.mail-operator.transfer_ground", "SCC 2021/914")
    installation = Installation(load(folder, SMARTHOST=REMOTE))
    (warning,) = installation.warnings
    assert "leave the EEA for US (SCC 2021/914); approved by nobody named" in warning
    change(folder, "approval.transfers", value=True)
    problem = faults(folder, SMARTHOST=REMOTE)["processors.mail-operator"]
    assert "say who approved it: transfer_approved_by" in problem
    change(folder, "processors.mail-operator.transfer_approved_by", "Aino Kalliosaari")
    installation = Installation(load(folder, SMARTHOST=REMOTE))
    initialise(installation.settings, TESTER)
    installation.note_transfers()
    installation.note_transfers()
    with reading(installation.engine) as connection:
        told = connection.execute(sa.select(schema.audit).where(schema.audit.c.tag == ALLOWED)).all()
    assert [(it.subjects, it.evidence) for it in told] == [
        (
            ["processor:mail-operator"],
            "processor mail-operator, US: SCC 2021/914; approved by Aino Kalliosaari",
        )
    ]


def test_a_recipient_has_a_name_of_its_own_and_a_place_or_a_ground(folder: Path) -> None:
    change(folder, "recipients.group.country", "GB")
    assert "outside the EEA" in faults(folder)["recipients.group"]
    change(folder, "recipients.group.transfer_ground", "adequacy decision 2021/1772")
    assert load(folder).receivers["group"].transfer_ground == "adequacy decision 2021/1772"
    change(folder, "recipients.print-works", {"name": "x", "ground": "y", "country": "SE"})
    assert "taken by a processor" in faults(folder)["recipients.print-works"]


def test_a_smarthost_elsewhere_belongs_to_a_declared_processor(folder: Path) -> None:
    change(folder, "smarthosts.main.processor", "stranger")
    assert "no [processors.stranger]" in faults(folder, SMARTHOST=REMOTE)["smarthosts.main.processor"]
    change(folder, "smarthosts.main.processor", None)
    assert "names no processor" in faults(folder, SMARTHOST=REMOTE)["smarthosts.main"]
    assert load(folder, SMARTHOST=LOCAL).smarthost_processor("main").key == "self"


@pytest.mark.parametrize(
    "url,fine",
    [
        ("https://post.nordhamn.example", True),
        ("http://127.0.0.1:8025", True),
        ("http://localhost:8025/", True),
        ("http://[::1]:8025", True),
        ("http://post.nordhamn.example", False),
        ("http://127.0.0.1.nordhamn.example", False),
        ("https://user@post.nordhamn.example", False),
        ("https://post.nordhamn.example?a=1", False),
        ("https://", False),
        ("post.nordhamn.example", False),
        ("https://[nonsense", False),
    ],
)
def test_links_are_https_but_on_this_machine(folder: Path, url: str, *, fine: bool) -> None:
    if fine:
        load(folder, PUBLIC_URL=url)
    else:
        assert list(faults(folder, PUBLIC_URL=url)) == ["UTSKICK_PUBLIC_URL"]


def test_secrets_stand_in_no_text(folder: Path) -> None:
    settings = load(
        folder,
        DATABASE_URL="postgresql://u:hemligt@db/x",
        REDIS_URL="redis://:hemligt@queue",
        SMARTHOST="smtps://u:hemligt@relay.postilaiva.example",
    )
    assert "hemligt" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert "hemligt" not in repr(Installation(settings))
    found = faults(
        folder, DATABASE_URL="postgresql://u:hemligt@db/x", SMARTHOST="smtp://u:hemligt@h/p", PUBLIC_URL=""
    )
    assert "hemligt" not in repr(found)
