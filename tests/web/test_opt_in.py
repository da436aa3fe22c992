"""Double opt-in: one answer for everybody, one mail a day, and nothing without a confirmation from the mailbox."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from typing import cast

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.feedback.apply import apply
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.feedback.ingest import message_id_claims
from campaigns.principal import INBOUND
from campaigns.register import objections, opt_ins, subscriptions
from campaigns.register.permit import answering_a_no
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.tokens import TokenClaims, TokenPurpose
from tests.support.register import LIST_ID, PEOPLE, TESTER, Register
from tests.support.smtp_sink import Answer, Rule, Script, SmtpSink
from tests.web.confirmations import forget_today, link_in, send_all
from tests.web.place import client_for
from tests.web.test_preferences import path, post

NEW = "ny.person@kund.example"
ANOTHER_LIST = """
INSERT INTO mailing_list (id, key, kind, name, purpose, created_at, created_by)
    SELECT 4, 'kajen', kind, 'Kajen', purpose, created_at, created_by FROM mailing_list;
INSERT INTO subscription (list_id, contact_id, status, since, changed_by)
    SELECT 4, contact_id, status, since, changed_by FROM subscription
"""


@pytest.fixture(autouse=True)
def _numbers(register: Register) -> None:
    """The people of the register have numbers that PostgreSQL did not give."""
    if register.engine.dialect.name == "postgresql":
        with writing(register.engine) as connection:
            connection.execute(sa.text("SELECT setval(pg_get_serial_sequence('contact', 'id'), 100)"))


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as made:
        yield made


def ask(register: Register, email: str, **more: str) -> tuple[int, bytes]:
    form = {"email": email, "agree": "on", "lang": "sv", "language": "sv", **more}
    answer = client_for(register).post("/s/sagen", data=form)
    return answer.status_code, answer.content


def object_(register: Register, number: int, kind: objections.SuppressionKind = "objection") -> None:
    with answering_a_no(register.engine) as connection:
        for key in subscriptions.keys_of(connection, number):
            no = objections.No(kind, key, objections.Scope(), "letter", "her letter")
            objections.suppress(connection, no, TESTER)


def may_be_written_to(register: Register, email: str, list_id: int = LIST_ID) -> bool:
    asked = Asked(sa.literal(list_id), sa.literal("email"), sa.literal("marketing"))
    with reading(register.engine) as connection:
        rows = connection.execute(
            sa.select(withholding_reason(asked)).where(schema.contact.c.email == email)
        ).all()
    return [tuple(row) for row in rows] == [(None,)]


def opt_in_rows(register: Register) -> list[sa.RowMapping]:
    with reading(register.engine) as connection:
        return list(connection.execute(sa.select(schema.opt_in).order_by(schema.opt_in.c.id)).mappings())


def without(register: Register, *names: str) -> dict[str, list[object]]:
    return {name: rows for name, rows in register.contents().items() if name not in names}


def test_the_form_shows_what_is_agreed_to_and_changes_nothing(register: Register) -> None:
    before = register.contents()
    answer = client_for(register).get("/s/sagen", params={"lang": "fi"})
    assert answer.status_code == 200
    assert '<html lang="fi">' in answer.text
    assert "Haluan saada sähköpostiini" in answer.text
    assert " checked>" in answer.text
    assert 'id="agree" name="agree" value="on">' in answer.text  # never ticked beforehand
    assert register.contents() == before


def test_lists_that_are_not_open_are_like_lists_that_are_not_there(register: Register) -> None:
    client = client_for(register)
    assert {
        (it.status_code, it.content) for it in map(client.get, ("/s/gone", "/s/none", "/s/", "/s/a/b"))
    } == {(404, client.get("/u/bad").content)}


def test_everybody_gets_one_answer_and_the_register_learns_nothing_yet(register: Register) -> None:
    object_(register, 2)
    object_(register, 3, "complaint")
    before = without(register, "opt_in")
    answers = {ask(register, it) for it in (NEW, *(address for address, _ in PEOPLE.values()), NEW)}
    assert len(answers) == 1
    assert without(register, "opt_in") == before
    assert len(opt_in_rows(register)) == 1 + len(PEOPLE)


def test_a_new_person_joins_by_confirming_with_what_they_agreed_to(
    register: Register, sink: SmtpSink
) -> None:
    ask(register, NEW)
    assert send_all(register, sink) == ["sent"]
    (mail,) = sink.messages
    assert b"Auto-Submitted: auto-generated" in mail.content
    assert b"To: ny.person@kund.example" in mail.content
    client, link = client_for(register), link_in(mail.content)
    before = register.contents()
    for method in ("GET", "HEAD"):
        assert client.request(method, link).status_code == 200
    assert register.contents() == before
    assert NEW in client.get(link).text
    assert client.post(link).status_code == 200
    assert may_be_written_to(register, NEW)
    (row,) = opt_in_rows(register)
    assert row["confirmed_at"] is not None
    assert (row["email"], row["source_key"]) == (None, None)
    with reading(register.engine) as connection:
        basis = connection.execute(
            sa.select(schema.contact_basis)
            .join(schema.contact, schema.contact.c.id == schema.contact_basis.c.contact_id)
            .where(schema.contact.c.email == NEW)
        ).mappings().one()  # fmt: skip
    assert basis["basis"] == "consent"
    assert basis["text_version"]
    assert "confirmed" in basis["evidence"]
    assert NEW not in basis["evidence"]


def test_confirming_again_changes_nothing(register: Register, sink: SmtpSink) -> None:
    ask(register, NEW)
    send_all(register, sink)
    client, link = client_for(register), link_in(sink.messages[0].content)
    client.post(link)
    before = without(register, "gate")
    assert client.post(link).status_code == 200
    assert client.get(link).status_code == 200
    assert without(register, "gate") == before


def test_who_objected_gets_the_list_that_they_confirm_and_no_other(
    register: Register, sink: SmtpSink
) -> None:
    email = PEOPLE[1][0]
    with writing(register.engine) as connection:
        for statement in ANOTHER_LIST.split(";"):
            connection.exec_driver_sql(statement)
    post(register, {"do": "stop"})
    assert not may_be_written_to(register, email)
    ask(register, email)
    assert not may_be_written_to(register, email)
    assert send_all(register, sink) == ["sent"]
    client_for(register).post(link_in(sink.messages[0].content))
    assert may_be_written_to(register, email)
    assert not may_be_written_to(register, email, 4)


@pytest.mark.parametrize("kind", ["complaint", "restricted", "hard_bounce", "manual"])
def test_what_others_recorded_keeps_the_mail_from_going(
    register: Register, sink: SmtpSink, kind: objections.SuppressionKind
) -> None:
    object_(register, 1, kind)
    ask(register, PEOPLE[1][0])
    assert send_all(register, sink) == ["withheld"]
    assert sink.messages == []


def test_a_domain_that_said_no_gets_no_mail(register: Register, sink: SmtpSink) -> None:
    with answering_a_no(register.engine) as connection:
        key = objections.domain_key(register.ring, "kund.example")
        objections.suppress(
            connection, objections.No("objection", key, objections.Scope(), "letter", "it"), TESTER
        )
    ask(register, NEW)
    assert send_all(register, sink) == ["withheld"]


def test_a_mailbox_is_written_to_once_a_day_however_often_it_is_asked(
    register: Register, sink: SmtpSink
) -> None:
    for _ in range(3):
        ask(register, NEW)
        ask(register, NEW.upper().replace("KUND.EXAMPLE", "kund.example"))
        send_all(register, sink)
    assert len(sink.messages) == 1
    forget_today(register)
    ask(register, NEW)
    send_all(register, sink)
    assert len(sink.messages) == 2


def test_a_source_that_asks_too_much_is_answered_alike_and_not_heard(register: Register) -> None:
    with writing(register.engine) as connection:
        for number in range(opt_ins.PER_SOURCE + 5):
            address = parse_email(f"victim{number}@kund.example")
            opt_ins.ask(
                connection, register.ring, opt_ins.Wanted("join", address, "sv", "yes", "testclient", LIST_ID)
            )
    count = len(opt_in_rows(register))
    assert count == opt_ins.PER_SOURCE
    first = ask(register, NEW)
    assert len(opt_in_rows(register)) == count
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.opt_in).values(requested_at=utc_now() - timedelta(hours=2)))
    assert ask(register, NEW) == first
    assert len(opt_in_rows(register)) == count + 1


def test_sources_are_told_apart_however_they_are_written(register: Register) -> None:
    with writing(register.engine) as connection:
        for number in range(opt_ins.PER_SOURCE):
            for source in ("192.0.2.1", "2001:db8::/64"):
                address = parse_email(f"victim{number}{len(source)}@kund.example")
                opt_ins.ask(
                    connection, register.ring, opt_ins.Wanted("join", address, "sv", "yes", source, LIST_ID)
                )
    count = len(opt_in_rows(register))
    heard = []
    for number, host in enumerate(
        ("::ffff:192.0.2.1", "192.0.2.1", "2001:db8::7", "::ffff:192.0.2.2", "2001:db8:0:1::7")
    ):
        client = TestClient(client_for(register).app, client=(host, 1))
        client.post("/s/sagen", data={"email": f"ny{number}@kund.example", "agree": "on"})
        heard.append(len(opt_in_rows(register)) - count)
    assert heard == [0, 0, 0, 1, 2]


def test_a_robot_that_fills_everything_in_is_answered_alike(register: Register) -> None:
    assert ask(register, NEW, website="https://spam.example") == ask(register, "other@kund.example")
    assert len(opt_in_rows(register)) == 1


@pytest.mark.parametrize(
    "email,agree", [("", "on"), ("ny.person@", "on"), ("a\nb@kund.example", "on"), (NEW, "")]
)
def test_a_faulty_form_is_told_and_nothing_waits(register: Register, email: str, agree: str) -> None:
    status, page = ask(register, email, agree=agree)
    assert status == 200
    assert "<title>Fel:" in page.decode()
    assert opt_in_rows(register) == []


def test_links_that_are_not_ours_or_too_old_are_one_answer(register: Register, sink: SmtpSink) -> None:
    ask(register, NEW)
    send_all(register, sink)
    client, good = client_for(register), link_in(sink.messages[0].content).removeprefix("/c/")
    foreign = register.tokens.for_link(TokenPurpose.CONFIRM, TokenClaims(0, 1, LIST_ID + 1, 0))
    bad = {good[:-1], good + "/", "x", foreign, register.link(TokenPurpose.PREFERENCES)}
    unknown = client.get("/u/bad").content
    assert {client.get(f"/c/{it}").content for it in bad} == {unknown}
    assert {client.post(f"/c/{it}").status_code for it in bad} == {404}
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.opt_in).values(requested_at=utc_now() - timedelta(days=8)))
    assert client.post(f"/c/{good}").content == unknown
    opt_ins.tidy(register.engine)
    assert opt_in_rows(register) == []


def test_what_is_put_off_is_tried_again_and_what_is_refused_is_not(register: Register) -> None:
    ask(register, NEW)
    with SmtpSink(Script(rules=[Rule("rcpt", Answer(b"450 4.2.1 later\r\n"))])) as away:
        assert send_all(register, away) == ["waiting"]
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.opt_in).values(due_at=utc_now()))
    with SmtpSink(Script(rules=[Rule("rcpt", Answer(b"550 5.1.1 nobody\r\n"))])) as refusing:
        assert send_all(register, refusing) == ["failed"]
        assert send_all(register, refusing) == []


def test_a_sender_that_died_before_the_dot_is_followed_by_another(register: Register, sink: SmtpSink) -> None:
    ask(register, NEW)
    (waiting,) = opt_ins.due(register.engine)
    dead = opt_ins.claim(register.engine, waiting)
    assert dead is not None
    opt_ins.tidy(register.engine)
    assert send_all(register, sink) == []  # it may still be at work
    run_out(register)
    assert send_all(register, sink) == ["sent"]
    assert not opt_ins.begin(register.engine, dead)  # it was not dead
    opt_ins.settle(register.engine, dead, "waiting")
    assert [row["status"] for row in opt_in_rows(register)] == ["sent"]


def test_a_sender_that_wakes_up_late_does_not_complete_its_mail(register: Register, sink: SmtpSink) -> None:
    ask(register, NEW)

    def overtaken() -> None:
        run_out(register)
        assert opt_ins.claim(register.engine, opt_in_rows(register)[0]["id"]) is not None

    assert send_all(register, sink, overtaken) == ["waiting"]
    assert sink.messages == []
    assert [row["status"] for row in opt_in_rows(register)] == ["sending"]


def test_a_no_at_the_last_moment_stops_the_mail(register: Register, sink: SmtpSink) -> None:
    ask(register, PEOPLE[1][0])
    assert send_all(register, sink, lambda: object_(register, 1, "complaint")) == ["withheld"]
    assert sink.messages == []


def test_a_sender_that_died_after_the_dot_leaves_the_mail_uncertain(
    register: Register, sink: SmtpSink
) -> None:
    ask(register, NEW)
    (waiting,) = opt_ins.due(register.engine)
    taken = opt_ins.claim(register.engine, waiting)
    assert taken is not None
    assert opt_ins.begin(register.engine, taken)
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.opt_in).values(begun_at=utc_now() - timedelta(hours=1)))
    opt_ins.tidy(register.engine)
    assert opt_in_rows(register)[0]["status"] == "uncertain"
    assert send_all(register, sink) == []


def run_out(register: Register) -> None:
    """All leases run out, and the next look notices."""
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.opt_in).values(due_at=utc_now() - timedelta(seconds=1)))
    opt_ins.tidy(register.engine)


def bounced(register: Register, content: bytes, kind: str = "hard", *named: str) -> str:
    """What follows from news about a mail, by the token in its Message-ID."""
    message_id = str(message_from_bytes(content)["Message-ID"])
    claims = message_id_claims(register.tokens, message_id)
    assert claims is not None
    event_id = f"{kind}{named}{len(register.events())}"
    event = FeedbackEvent("mail", event_id, cast("Kind", kind), claims, named=named)
    return apply(register.engine, event, INBOUND)


def test_a_mailbox_that_is_not_there_ends_the_wish_and_stops_nobody(
    register: Register, sink: SmtpSink
) -> None:
    for address in (NEW, PEOPLE[2][0]):
        ask(register, address)
    send_all(register, sink)
    contents = [mail.content for mail in sink.messages]
    assert bounced(register, contents[0], "soft") == "recorded"
    assert bounced(register, contents[0], "hard", PEOPLE[2][0], "b@kund.example") == "others"
    assert [bounced(register, it) for it in contents] == ["ended", "ended"]
    assert bounced(register, contents[0]) == "recorded"
    assert register.noes() == set()
    client = client_for(register)
    for content in contents:
        assert client.post(link_in(content)).content == client.get("/u/bad").content
    assert [(row["status"], row["email"]) for row in opt_in_rows(register)] == [("failed", None)] * 2
    assert {ask(register, NEW), ask(register, "other@kund.example")} == {ask(register, PEOPLE[1][0])}
    assert len(opt_in_rows(register)) == 4  # nobody asks the dead mailbox again today


@pytest.mark.parametrize("kind,word", [("complaint", "complaint"), ("stop", "ended")])
def test_who_does_not_want_the_mail_ends_the_wish(
    register: Register, sink: SmtpSink, kind: str, word: str
) -> None:
    ask(register, NEW)
    send_all(register, sink)
    assert bounced(register, sink.messages[0].content, kind) == word
    assert client_for(register).post(link_in(sink.messages[0].content)).status_code == 404
    forget_today(register)
    ask(register, NEW)
    assert send_all(register, sink) == (["withheld"] if kind == "complaint" else ["sent"])


def test_news_of_a_wish_that_is_confirmed_or_forgotten_changes_nothing(
    register: Register, sink: SmtpSink
) -> None:
    ask(register, NEW)
    send_all(register, sink)
    content = sink.messages[0].content
    client_for(register).post(link_in(content))
    assert bounced(register, content) == "recorded"
    assert may_be_written_to(register, NEW)
    with writing(register.engine) as connection:
        connection.execute(sa.delete(schema.opt_in))
    assert bounced(register, content, "complaint") == "hint"
    assert register.noes() == set()


def test_marketing_begins_again_only_from_the_mailbox(register: Register, sink: SmtpSink) -> None:
    post(register, {"do": "restore"})
    assert opt_in_rows(register) == []  # nothing to restore
    post(register, {"do": "stop"})
    page = client_for(register).get(path(register)).text
    assert "Har du ändrat dig?" in page
    post(register, {"do": "restore"})
    assert not may_be_written_to(register, PEOPLE[1][0])
    assert send_all(register, sink) == ["sent"]
    client_for(register).post(link_in(sink.messages[0].content))
    assert may_be_written_to(register, PEOPLE[1][0])


def test_a_new_address_is_used_when_it_is_confirmed_there(register: Register, sink: SmtpSink) -> None:
    page = post(register, {"do": "correct", "first_name": "Anna", "email": "anna@nytt.example"}).text
    assert "Ett steg till" in page
    assert "anna.lind@kund.example" in page
    assert send_all(register, sink) == ["sent"]
    assert b"To: anna@nytt.example" in sink.messages[0].content
    client_for(register).post(link_in(sink.messages[0].content))
    assert may_be_written_to(register, "anna@nytt.example")
    assert not may_be_written_to(register, "anna.lind@kund.example")


def test_an_address_that_is_somebody_elses_goes_to_a_case(register: Register, sink: SmtpSink) -> None:
    post(register, {"do": "correct", "email": PEOPLE[2][0]})
    send_all(register, sink)
    client, link = client_for(register), link_in(sink.messages[0].content)
    assert "Någon hos oss måste titta" in client.post(link).text
    with reading(register.engine) as connection:
        case = connection.execute(sa.select(schema.feedback_case)).mappings().one()
    assert (case["kind"], case["contact_id"]) == ("address", 1)
    assert "belongs to contact 2" in case["evidence"]
