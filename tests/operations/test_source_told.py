"""The first message to somebody who did not give the address says where it is from; no later one does."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.register import mailing_lists
from campaigns.register.intake import ImportRequest, import_contacts
from campaigns.register.mailing_lists import MailingList
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.operations.place import KAJ, Place
from tests.support.smtp_sink import SmtpSink

HEADING = "Where we got your details"


def people(place: Place, source: str, source_class: str, basis: str, *addresses: str) -> None:
    """Import people who are said to come from somewhere."""
    path = place.folder / "given.csv"
    path.write_text("\n".join(["email,first_name,language", *[f"{who},Kim,en" for who in addresses]]))
    with writing(place.engine) as connection:
        found = connection.execute(sa.select(schema.mailing_list.c.id)).scalar_one_or_none()
        news = MailingList(found or 0, "news", "newsletter", "News", "marketing")
        if found is None:
            news = mailing_lists.add(connection, news, KAJ)
    request = ImportRequest(path, news, source, basis, source_class=source_class)
    import_contacts(place.engine, place.installation.ring, request, KAJ)


def sent(place: Place, sink: SmtpSink, submission: str) -> dict[str, str]:
    """What one more campaign brought to whom: the text part and the HTML part in one."""
    before = len(sink.messages)
    place.send(place.opened(submission))
    found: dict[str, str] = {}
    for message in sink.messages[before:]:
        parsed: Any = message_from_bytes(message.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        found[str(parsed["To"].addresses[0].addr_spec)] = "".join(
            part.get_content() for part in parsed.walk() if part.get_content_maintype() == "text"
        )
    return found


def test_the_first_message_to_a_person_from_a_public_register_says_so_and_the_second_does_not(
    place: Place, sink: SmtpSink
) -> None:
    people(place, "Trade register & co", "public_register", "b2b_role", "a@kund.example")
    people(place, "counter at the fair", "person", "consent", "b@kund.example")
    first = sent(place, sink, "one")
    assert HEADING in first["a@kund.example"]
    assert first["a@kund.example"].count("Trade register") == 2, "in both parts"
    assert "object to direct marketing" in first["a@kund.example"]
    assert HEADING not in first["b@kund.example"]
    second = sent(place, sink, "two")
    assert set(second) == set(first)
    assert not any(HEADING in text for text in second.values())


def test_a_message_that_nobody_took_has_told_nobody(small_place: Place, sink: SmtpSink) -> None:
    people(small_place, "a partner", "partner", "b2b_role", "a@kund.example")
    assert HEADING in sent(small_place, sink, "one")["a@kund.example"]
    small_place.change(schema.delivery, status="rejected")
    assert HEADING in sent(small_place, sink, "two")["a@kund.example"]


@pytest.mark.parametrize(
    "source_class, basis, tells",
    [
        ("directory", "consent", True),
        ("group_company", "contract", True),
        ("company", "b2b_role", True),
        ("company", "consent", False),
        ("person", "b2b_role", False),
    ],
)
def test_who_is_told(
    small_place: Place, sink: SmtpSink, source_class: str, basis: str, *, tells: bool
) -> None:
    people(small_place, "somewhere", source_class, basis, "a@kund.example")
    assert (HEADING in sent(small_place, sink, "one")["a@kund.example"]) is tells


def test_who_has_given_the_address_since_is_not_told_of_another_source(
    small_place: Place, sink: SmtpSink
) -> None:
    people(small_place, "a partner", "partner", "b2b_role", "a@kund.example")
    people(small_place, "counter at the fair", "person", "consent", "a@kund.example")
    assert HEADING not in sent(small_place, sink, "one")["a@kund.example"]
