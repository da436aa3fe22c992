"""The preference page: asking changes nothing, choosing binds, and nobody learns anything from a bad link."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.register import contacts, objections, subscriptions
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.tokens import TokenPurpose
from tests.support.register import LIST_ID, LIST_NAME, TESTER, Register
from tests.web.place import client_for, client_without_database
from tests.web.test_links import POLICY

PREFERENCES = TokenPurpose.PREFERENCES
KEPT = {f"list-{LIST_ID}": "on", "channel-email": "on", "language": "sv", "pause": "none"}


#: The form of a page that showed a list left and e-mail forbidden, both ticked again.
TAKEN_BACK = {**KEPT, f"was-list-{LIST_ID}": "off", "was-channel-email": "off"}


def path(register: Register, number: int = 1) -> str:
    return f"/p/{register.link(PREFERENCES, number)}"


def post(register: Register, form: dict[str, str], number: int = 1) -> Any:
    return client_for(register).post(path(register, number), data=form)


def contact(register: Register, number: int = 1) -> sa.RowMapping:
    with reading(register.engine) as connection:
        table = schema.contact
        return connection.execute(sa.select(table).where(table.c.id == number)).mappings().one()


def filled_in(register: Register) -> dict[str, str]:
    """What a browser sends of the page as it stands, nothing touched."""
    page = client_for(register).get(path(register)).text.split("</form>")[0]
    fields = re.findall(r'<input type="(\w+)"[^>]* name="([^"]+)" value="([^"]*)"( checked)?', page)
    sent = {name: value for kind, name, value, checked in fields if kind == "hidden" or checked}
    return {**sent, "do": "choices"}


def standing(register: Register) -> list[str]:
    with reading(register.engine) as connection:
        table = schema.suppression.c
        kinds = sa.select(table.kind).where(table.lifted_at.is_(None)).order_by(table.id)
        return list(connection.execute(kinds).scalars())


def without_gate(register: Register) -> dict[str, list[Any]]:
    return {name: rows for name, rows in register.contents().items() if name != "gate"}


def test_a_scanner_changes_nothing(register: Register) -> None:
    before, client = register.contents(), client_for(register)
    for method in ("GET", "HEAD"):
        for view in ("", "data", "copy", "nonsense"):
            assert client.request(method, path(register), params={"view": view}).status_code == 200
    assert register.contents() == before


def test_a_body_that_is_none_of_our_forms_changes_nothing(register: Register) -> None:
    before, client = without_gate(register), client_for(register)
    for body in (b"", b"List-Unsubscribe=One-Click", b"do=nothing&list-3=off", b"\xff\0{"):
        assert client.post(path(register), content=body).status_code == 200
    assert without_gate(register) == before


def test_the_page_shows_how_things_stand(register: Register) -> None:
    page = client_for(register).get(path(register)).text
    assert '<html lang="sv">' in page
    assert LIST_NAME in page
    assert re.search(rf'name="list-{LIST_ID}" value="on" checked', page)
    assert re.search('name="channel-email" value="on" checked', page)
    assert "channel-post" not in page  # there is no postal address to choose
    assert "Kim Exempel" in page
    assert "anna.lind@kund.example" in page
    assert "<script" not in page


def test_everything_at_once(register: Register) -> None:
    form = {"do": "choices", f"list-{LIST_ID}": "off", "channel-email": "off", "language": "fi", "pause": "3"}
    answer = post(register, form)
    assert answer.status_code == 200
    assert '<html lang="fi">' in answer.text
    assert "Valintasi on tallennettu" in answer.text
    assert register.noes() == {("unsubscribed", "", LIST_ID), ("objection", "email", 0), ("on_pause", "", 0)}
    assert register.status() == "unsubscribed"
    assert contact(register)["language"] == "fi"
    assert register.status(2) == "subscribed"


def test_what_was_taken_back_stands_no_more(register: Register) -> None:
    post(register, {"do": "choices", f"list-{LIST_ID}": "off", "channel-email": "off", "pause": "1"})
    post(register, {**filled_in(register), **KEPT})
    assert register.status() == "subscribed"
    with reading(register.engine) as connection:
        table = schema.suppression.c
        assert connection.execute(sa.select(table.kind).where(table.lifted_at.is_(None))).all() == []


def test_the_same_form_twice_leaves_what_it_left_the_first_time(register: Register) -> None:
    form = {"do": "choices", f"list-{LIST_ID}": "off", "channel-email": "off", "language": "fi", "pause": "1"}
    post(register, form)
    before = without_gate(register)
    assert post(register, form).status_code == 200
    assert without_gate(register) == before


def test_a_list_the_person_never_was_on_is_not_joined(register: Register) -> None:
    with writing(register.engine) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO mailing_list (id, key, kind, name, purpose, created_at, created_by) "
                "SELECT 4, 'other', kind, 'Other', purpose, created_at, created_by FROM mailing_list"
            )
        )
    before = without_gate(register)
    post(register, {"do": "choices", "list-4": "on", "was-list-4": "off"})
    post(register, {"do": "join", "list": "4"})
    assert without_gate(register) == before


def test_no_marketing_at_all_and_no_way_back_by_the_link_alone(register: Register) -> None:
    answer = post(register, {"do": "stop"})
    assert "Du får ingen marknadsföring från oss" in answer.text
    assert register.noes() == {("objection", "", 0)}
    post(register, {"do": "choices", **TAKEN_BACK})
    post(register, {"do": "join", "list": str(LIST_ID)})
    with reading(register.engine) as connection:
        table = schema.suppression.c
        assert connection.execute(sa.select(table.kind).where(table.lifted_at.is_(None))).scalars().all() == [
            "objection"
        ]


def test_leaving_one_list_is_undone_by_one_press(register: Register) -> None:
    post(register, {"do": "leave", "list": str(LIST_ID)})
    assert register.status() == "unsubscribed"
    post(register, {"do": "join", "list": str(LIST_ID)})
    assert register.status() == "subscribed"


def test_details_are_corrected(register: Register) -> None:
    values = {
        "first_name": "Anna",
        "last_name": "Lind-Berg",
        "title": "Inköpschef",
        "phone": "+358 40 123 4567",
        "street": "Sågvägen 2",
        "postal_code": "00100",
        "city": "Helsingfors",
        "country": "",
    }
    answer = post(register, {"do": "correct", **values})
    assert "Dina uppgifter är rättade" in answer.text
    row = contact(register)
    assert {name: row[name] or "" for name in values} == values
    assert row["postal_key"] is not None
    assert row["email"] == "anna.lind@kund.example"


def test_faulty_fields_are_told_in_the_persons_language_and_nothing_is_saved(register: Register) -> None:
    before = register.contents()
    page = post(
        register, {"do": "correct", "first_name": "Anna", "title": "\u202eevil", "phone": "ring mig"}
    ).text
    assert "<title>Fel:" in page
    assert page.count("använd bara vanliga bokstäver") == page.count("skriv numret med siffror") == 2
    assert 'value="Anna"' in page
    assert register.contents() == before


def test_markup_in_what_was_typed_stays_text(register: Register) -> None:
    page = post(register, {"do": "correct", "first_name": '"><script>x</script>', "phone": "x"}).text
    assert "<script" not in page
    post(register, {"do": "correct", "first_name": '<img src=x onerror="x">'})
    assert "<img src=x" not in client_for(register).get(path(register)).text


def test_asking_for_a_copy_opens_one_request_a_day(register: Register) -> None:
    for _ in range(2):
        assert "Vi har fått din begäran" in post(register, {"do": "copy"}).text
    with reading(register.engine) as connection:
        table = schema.rights_request.c
        found = connection.execute(sa.select(table.kind, table.came_by, table.contact_id)).all()
    assert found == [("access", "page", 1)]


def test_bad_links_and_forgotten_people_are_one_answer(register: Register) -> None:
    good, client = register.link(PREFERENCES), client_for(register)
    with answering_a_no(register.engine) as connection:
        connection.execute(
            sa.update(schema.contact)
            .where(schema.contact.c.id == 3)
            .values(email=None, email_key=None, last_name=None, erased_at=sa.func.current_timestamp())
        )
    bad = {good[:-1], good + "A", "B" + good[1:], good + "/", "a/" + good, "x" * 3000, "%00", "å"}
    bad |= {register.link(purpose) for purpose in TokenPurpose if purpose is not PREFERENCES}
    bad |= {register.link(PREFERENCES, 3), register.link(PREFERENCES, 999)}
    before = register.contents()
    answers = {
        (answer.status_code, answer.content, tuple(sorted(answer.headers.items())))
        for token in bad
        for answer in (client.get(f"/p/{token}"), client.post(f"/p/{token}", data={"do": "stop"}))
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    assert register.contents() == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_database_that_is_away_is_503_and_never_a_yes(register: Register, method: str) -> None:
    answer = client_without_database(register).request(method, path(register), data={"do": "stop"})
    assert answer.status_code == 503
    assert "<h1>" in answer.text
    assert register.noes() == set()


def test_the_page_is_kept_by_nobody_and_loads_nothing_from_elsewhere(register: Register) -> None:
    answer = client_for(register).get(path(register))
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "set-cookie" not in answer.headers


def test_what_somebody_else_recorded_is_shown_and_stays(register: Register) -> None:
    with answering_a_no(register.engine) as connection:
        key = subscriptions.keys_of(connection, 1)[0]
        no = objections.No("manual", key, objections.Scope(), "office", "a call")
        objections.suppress(connection, no, TESTER)
    assert "Du får ingen marknadsföring från oss" in client_for(register).get(path(register)).text
    post(register, {"do": "choices", **TAKEN_BACK})
    assert ("manual", "", 0) in register.noes()


def test_a_form_sent_late_takes_back_no_no_said_since_it_was_opened(register: Register) -> None:
    late = {**filled_in(register), "language": "fi"}
    post(register, {"do": "choices", f"list-{LIST_ID}": "off", "channel-email": "off", "pause": "3"})
    for form in (late, {**late, "pause": "1"}, {"do": "choices", **KEPT}):
        before = standing(register)
        assert post(register, form).status_code == 200
        assert standing(register) == before == ["unsubscribed", "objection", "on_pause"]
    assert register.status() == "unsubscribed"
    assert contact(register)["language"] == "sv"


def test_a_form_sent_late_still_says_no(register: Register) -> None:
    late = {**filled_in(register), f"list-{LIST_ID}": "off", "pause": "1"}
    post(register, {**filled_in(register), "language": "fi"})
    post(register, late)
    assert standing(register) == ["unsubscribed", "on_pause"]


def test_the_pause_that_was_shown_gives_way_to_a_shorter_one_or_none(register: Register) -> None:
    def pauses() -> int:
        with reading(register.engine) as connection:
            table = schema.suppression.c
            whole = sa.select(sa.func.count()).where(table.kind == "on_pause")
            return int(connection.execute(whole).scalar_one())

    post(register, {"do": "choices", "pause": "3"})
    post(register, {**filled_in(register), "pause": "1"})
    assert (standing(register), pauses()) == (["on_pause"], 2)
    post(register, {**filled_in(register), "pause": "none"})
    assert standing(register) == []


def test_who_types_somebody_elses_postal_address_lifts_nothing_of_theirs(register: Register) -> None:
    bo = {
        "first_name": "Bo",
        "last_name": "Berg",
        "street": "Ågatan 2",
        "postal_code": "65100",
        "city": "Vasa",
    }
    key = register.ring.fingerprint("postal", contacts.postal_text(bo))
    table, until = schema.contact, utc_now() + timedelta(days=200)
    with answering_a_no(register.engine) as connection:
        gone = {"email": None, "email_key": None, "postal_key": key}
        connection.execute(sa.update(table).where(table.c.id == 2).values(**bo, **gone))
        (subject,) = subscriptions.keys_of(connection, 2)
        for kind, scope, end in (
            ("objection", objections.Scope(channel="post"), None),
            ("unsubscribed", objections.Scope(list_id=LIST_ID), None),
            ("on_pause", objections.Scope(), until),
        ):
            no = objections.No(kind, subject, scope, "operator", "letter", end)  # type: ignore[arg-type]  # words of the schema
            objections.suppress(connection, no, TESTER)
    said = ["objection", "unsubscribed", "on_pause"]
    post(register, {"do": "correct", **bo})
    assert contact(register)["postal_key"] == key
    for pause in ("none", "1"):
        again = {"channel-post": "on", f"list-{LIST_ID}": "on", "pause": pause}
        post(register, {**filled_in(register), **again})
        post(register, {"do": "join", "list": str(LIST_ID)})
        assert standing(register)[:3] == said
