"""A contract that ends while processes run ends what goes there; tests/traffic has the smarthosts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from starlette.testclient import TestClient

from campaigns.clock import utc_now
from campaigns.content.catalogue import templates_folder
from campaigns.errors import GuardRefused
from campaigns.register import subscriptions
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.operations.place import KAJ, Place, made_place
from tests.support.databases import migrated_file
from tests.support.register import Register, made_register
from tests.web.place import context_for
from tests.web.test_hooks import bounce, hand_in
from workers.guarding import guard_webhook
from workers.mailboxes import poll
from workers.web.app import create_app

#: The example's contracts end with 2031; this is a minute into 2032 in Helsinki, and still 2031 in UTC.
ENDED = datetime(2031, 12, 31, 22, 1, tzinfo=UTC)
LAST_MINUTE = datetime(2031, 12, 31, 21, 59, tzinfo=UTC)
MAILBOX = {
    "MAILBOXES__BOUNCES__URL": "imaps://box@imap.postilaiva.example/INBOX",
    "MAILBOXES__BOUNCES__PROCESSOR": "mail-operator",
}


@pytest.fixture
def here(sqlite_url: str, tmp_path: Path) -> Iterator[Place]:
    with made_place(tmp_path, sqlite_url, f"file:{tmp_path / 'out'}", **MAILBOX) as made:
        yield made


def test_no_address_file_is_written_after_the_contract(here: Place) -> None:
    here.people(2, last_name="Ek", street="Storgatan 1", postal_code="20100", city="Turku", country="FI")
    campaign = here.opened(campaign={"channel": "post"})
    with time_machine.travel(ENDED, tick=True):
        report = here.send(campaign)
        assert report is not None
        assert report.statuses == {}
        assert report.due_at is not None
        assert report.due_at > utc_now()
    assert here.counts(campaign) == {"pending": 2}
    assert not list((here.folder / "var").rglob("*.csv"))
    with time_machine.travel(LAST_MINUTE, tick=True):
        here.send(campaign)
    assert here.counts(campaign) == {"accepted": 2}
    assert len(list((here.folder / "var").rglob("*.csv"))) == 1


def test_no_mailbox_is_asked_after_the_contract(here: Place) -> None:
    with time_machine.travel(ENDED), pytest.raises(GuardRefused, match="DPA-2026-014"):
        poll(here.installation, "bounces")


def test_no_news_is_taken_from_a_source_after_its_contract(
    here: Place, sqlite_url: str, tmp_path: Path
) -> None:
    settings = here.installation.settings
    with made_register(migrated_file(tmp_path / "other.db"), tmp_path / "keys") as register:
        client = TestClient(
            create_app(
                replace(
                    context_for(register), guard_webhook=lambda _: guard_webhook(settings, "mail-operator")
                )
            ),
            raise_server_exceptions=False,
        )
        _ended(client, register)
        assert hand_in(client, bounce(register)).status_code == 200
        assert len(register.events()) == 1


def _ended(client: TestClient, register: Register) -> None:
    with time_machine.travel(ENDED, tick=True):
        answer = hand_in(client, bounce(register), moment=datetime.now(UTC))
    assert answer.status_code == 503, "so that the provider keeps it and tries again"
    assert register.events() == []


def test_an_address_file_is_a_disclosure_with_its_ground(here: Place) -> None:
    here.people(3, last_name="Ek", street="Storgatan 1", postal_code="20100", city="Turku", country="FI")
    with answering_a_no(here.engine) as connection:
        wish = subscriptions.Unsubscription(2, 1, "link", "one click")
        assert subscriptions.unsubscribe(connection, wish, KAJ)
    here.send(here.opened(campaign={"channel": "post"}))
    given, whose = schema.disclosure, schema.disclosure_subject
    with reading(here.engine) as connection:
        row = connection.execute(sa.select(given)).one()
        people = connection.execute(sa.select(whose.c.contact_id)).scalars().all()
    assert (row.recipient, row.ground) == ("Tryckeriet i Norrsund AB", "contract DPA-2026-021")
    assert (row.what, sorted(people)) == ("address file", [1, 3])


@pytest.mark.parametrize("template", ["newsletter", "magazine", "plain"])
def test_every_message_says_whose_register_it_is(template: str) -> None:
    """Controller, register, contact person and service address, in both parts of every template."""
    folder = templates_folder()
    used = [folder / template / "template.mjml", folder / template / "text.txt"]
    for path, partial in zip(used, ("footer.mjml", "footer.txt"), strict=True):
        text = path.read_text("utf-8")
        if "partials/footer" in text or partial in text:
            text += (folder / "partials" / partial).read_text("utf-8")
        for name in ("name", "street", "business_id", "register_name", "contact_person", "email", "phone"):
            assert f"controller.{name}" in text, f"{path}: {name}"
