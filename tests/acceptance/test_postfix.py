"""A campaign through a real Postfix, whose real failure reports come back and do the right thing to the register."""

import json
import socket
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import make_engine
from tests.acceptance.place import Place, assert_closed, made_place
from tests.architecture.tree import ROOT
from tests.support.postfix import Postfix, running_postfix
from tests.support.smtp_sink import Answer, Rule, Script, SmtpSink

MAIL_DOMAIN = "mail.nordhamn.example"
#: Who is written to, what the far server says to RCPT, and what the register makes of it.
PEOPLE = {
    "anna.lind@dead.example": (
        b"550 5.1.1 <anna.lind@dead.example>: Recipient address rejected: User unknown",
        "hard",
    ),
    "eero.kivi@full.example": (b"552 5.2.2 Mailbox full", "full"),
    "mia.ford@later.example": (b"450 4.2.2 Mailbox busy, over quota for now", "full"),
    "olof.berg@nowhere.example": (b"", "hard"),
    "kim.strand@fine.example": (b"", ""),
}


@pytest.mark.needs_postfix
@pytest.mark.needs_root
def test_the_reports_of_a_real_mta_reach_the_register(tmp_path: Path) -> None:
    rules = [Rule("rcpt", Answer(said + b"\r\n"), address) for address, (said, _) in PEOPLE.items() if said]
    inbound_port = free_port()
    with SmtpSink(Script(rules=rules)) as far:
        transports = {
            f"{name}.example": f"smtp:[127.0.0.1]:{far.port}" for name in ("dead", "full", "later", "fine")
        }
        transports[MAIL_DOMAIN] = f"lmtp:inet:[127.0.0.1]:{inbound_port}"
        with (
            running_postfix(transports) as postfix,
            made_place(tmp_path / "p", smarthost=f"smtp://127.0.0.1:{postfix.port}") as place,
        ):
            send(place, inbound_port)
            assert_closed(place.completed(1))
            place.wait(lambda: len(heard(place)) >= 4, f"the reports; Postfix said:\n{postfix.log}", 60)
            check(place, postfix)
            assert [message.recipient for message in far.messages] == ["kim.strand@fine.example"]


def send(place: Place, inbound_port: int) -> None:
    place.ask("init")
    place.ask("lists", "add", "news", "--kind", "newsletter", "--name", "News")
    rows = [f"{address},{address.split('.')[0].title()},Lind" for address in PEOPLE]
    file = place.folder / "people.csv"
    file.write_text("\n".join(["email,first_name,last_name", *rows]))
    source = ("--list", "news", "--source", "trade fair", "--basis", "consent")
    assert place.ask("contacts", "import", str(file), *source)["imported"] == len(PEOPLE)
    place.start("inbound", "--port", str(inbound_port))
    place.start("worker")
    lists = f"campaign.lists={json.dumps(['news'])}"
    place.ask(
        "campaigns",
        "submit",
        str(ROOT / "examples" / "newsletter.toml"),
        "--submission-id",
        "x",
        "--set",
        lists,
    )


def check(place: Place, postfix: Postfix) -> None:
    assert heard(place) == {address: kind for address, (_, kind) in PEOPLE.items() if kind}, postfix.log
    dead = {address for address, (_, kind) in PEOPLE.items() if kind == "hard"}
    assert suppressed(place) == dict.fromkeys(dead, "hard_bounce")
    (at_once,) = (row for row in place.ask("feedback", "list")["events"] if row["source"] == "smtp")
    assert (at_once["status_code"], at_once["consequence"]) == ("5.1.2", "hard_bounce")
    assert place.ask("feedback", "parked", "list") == {"parked": []}


def suppressed(place: Place) -> dict[str, str]:
    """Who must not be written to, and why."""
    engine = make_engine(place.database)
    no, contact = schema.suppression.c, schema.contact.c
    try:
        with engine.connect() as connection:
            rows = connection.execute(
                sa.select(contact.email, no.kind).join_from(
                    schema.suppression, schema.contact, contact.email_key == no.subject_key
                )
            )
            return {row.email: row.kind for row in rows}
    finally:
        engine.dispose()


def heard(place: Place) -> dict[str, str]:
    """The kind of what was heard of each address."""
    engine = make_engine(place.database)
    event, delivery, contact = schema.feedback_event.c, schema.delivery.c, schema.contact.c
    both = sa.and_(delivery.campaign_id == event.campaign_id, delivery.number == event.number)
    try:
        with engine.connect() as connection:
            rows = connection.execute(
                sa.select(contact.email, event.kind)
                .join_from(schema.feedback_event, schema.delivery, both)
                .join(schema.contact, contact.id == delivery.contact_id)
            )
            return {row.email: row.kind for row in rows}
    finally:
        engine.dispose()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
