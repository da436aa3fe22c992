"""Requests as cases: their last day, who may go on with them, how they end, and what is kept of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from campaigns.clock import utc_now
from campaigns.errors import InputError, NotFound, RefusedOperation
from campaigns.rights import deadlines, listing, people, requests
from campaigns.rights.refusals import GROUNDS, Refusal
from campaigns.rights.requests import Asked, Identification
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import PEOPLE, TESTER, Register

ANNA = PEOPLE[1][0]


def opened(register: Register, **more: Any) -> int:
    asked = Asked(**{"kind": "access", "came_by": "operator", "contact_id": 1, "language": "sv", **more})
    with writing(register.engine) as connection:
        return requests.open_request(connection, asked, TESTER)


def shown(register: Register, request: int) -> dict[str, Any]:
    with reading(register.engine) as connection:
        return listing.show(connection, request)


@pytest.mark.parametrize(
    "day, months, due",
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-11-25", 1, "2026-12-25"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-10-31", 1, "2026-11-30"),
    ],
)
def test_a_month_ends_on_its_day_or_on_the_last(day: str, months: int, due: str) -> None:
    assert deadlines.months_after(date.fromisoformat(day), months) == date.fromisoformat(due)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 3))
def test_months_are_of_the_calendar(day: date, months: int) -> None:
    due = deadlines.months_after(day, months)
    assert (due.year * 12 + due.month) - (day.year * 12 + day.month) == months
    assert due.day == day.day or (due.day < day.day and (due + timedelta(days=1)).day == 1)


def test_the_day_is_counted_where_we_are() -> None:
    late_evening = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)  # the 31st in Helsinki
    assert deadlines.due_on(late_evening) == date(2026, 2, 28)
    assert deadlines.due_on(late_evening, "UTC") == date(2026, 2, 28)
    assert deadlines.due_on(late_evening - timedelta(days=29)) == date(2026, 2, 2)
    assert deadlines.due_on(late_evening - timedelta(days=29), "UTC") == date(2026, 2, 1)


def test_a_request_goes_from_its_coming_to_its_answer(register: Register) -> None:
    request = opened(register)
    with (
        pytest.raises(RefusedOperation, match="identified the person"),
        writing(register.engine) as connection,
    ):
        requests.fulfil(connection, request, frozenset({"access"}), TESTER)
    requests.identify(register.engine, request, Identification("document", "passport"), TESTER)
    with pytest.raises(RefusedOperation, match="has been identified"):
        requests.identify(register.engine, request, Identification("mailbox"), TESTER)
    with pytest.raises(RefusedOperation, match="is one of access"), writing(register.engine) as connection:
        requests.fulfil(connection, request, frozenset({"erasure"}), TESTER)
    with writing(register.engine) as connection:
        requests.fulfil(connection, request, frozenset({"access"}), TESTER)
    found = shown(register, request)
    assert (found["status"], found["identified_how"], found["document"]) == (
        "fulfilled",
        "document",
        "passport",
    )
    assert (found["identified_by"], found["closed_by"]) == (TESTER.name, TESTER.name)
    with pytest.raises(RefusedOperation, match="is closed"):
        requests.withdraw(register.engine, request, TESTER)
    with reading(register.engine) as connection:
        tags = connection.execute(
            sa.select(schema.audit.c.tag).where(schema.audit.c.tag.like("rights:%"))
        ).scalars()
        assert list(tags) == ["rights:request:open", "rights:request:identify", "rights:request:close"]


def test_the_schema_lets_nothing_out_without_identification(register: Register) -> None:
    request, now = opened(register), utc_now()
    table = schema.rights_request
    done = {"status": "fulfilled", "closed_at": now, "closed_by": TESTER.name}
    with pytest.raises(sa.exc.IntegrityError), writing(register.engine) as connection:
        connection.execute(sa.update(table).where(table.c.id == request).values(done))


def test_the_same_matter_is_one_case(register: Register) -> None:
    first = opened(register, came_by="page", reference="1:access:2026-11-25")
    assert opened(register, came_by="page", reference="1:access:2026-11-25") == first
    assert opened(register, came_by="mail", reference="1:access:2026-11-25") != first
    assert opened(register) != opened(register)


def test_the_time_is_lengthened_once_with_a_reason_and_in_time(register: Register) -> None:
    request = opened(register)
    with pytest.raises(InputError, match="has a reason"):
        requests.extend(register.engine, request, " ", TESTER)
    with pytest.raises(InputError, match="1 to 2"):
        requests.extend(register.engine, request, "many", TESTER, months=3)
    until = requests.extend(register.engine, request, "old archives", TESTER)
    assert until == deadlines.months_after(deadlines.local_day(utc_now()), 3)
    with pytest.raises(RefusedOperation, match="extended once"):
        requests.extend(register.engine, request, "older archives", TESTER)
    late = opened(register, received_at=utc_now() - timedelta(days=40))
    with pytest.raises(RefusedOperation, match="can no longer"):
        requests.extend(register.engine, late, "late", TESTER)


@pytest.mark.parametrize("language", ["sv", "fi", "en", None])
def test_a_refusal_names_ground_reason_authority_and_court(
    sqlite_register: Register, language: str | None
) -> None:
    register = sqlite_register
    request = opened(register, language=language)
    with pytest.raises(InputError, match="is no ground for refusing access"):
        requests.refuse(register.engine, request, Refusal("legal_claims", "x"), TESTER)
    with pytest.raises(InputError, match="has a reason"):
        requests.refuse(register.engine, request, Refusal("excessive", ""), TESTER)
    letter = requests.refuse(register.engine, request, Refusal("excessive", "Tredje gången i dag."), TESTER)
    court, authority = {
        "sv": ("domstol", "dataombudsmannen"),
        "fi": ("tuomioistuimen", "tietosuojavaltuutettu"),
    }.get(language or "", ("court", "Data Protection Ombudsman"))
    assert all(
        words in letter for words in ("Tredje gången i dag.", "Art. 12(5)", court, authority, "tietosuoja.fi")
    )
    found = shown(register, request)
    assert (found["status"], found["ground"], found["decision"]) == ("refused", "excessive", letter)


def test_an_objection_cannot_be_refused(sqlite_register: Register) -> None:
    request = opened(sqlite_register, kind="objection")
    for ground in GROUNDS:
        with pytest.raises(InputError, match="cannot be refused"):
            requests.refuse(sqlite_register.engine, request, Refusal(ground, "x"), TESTER)


def test_what_is_due_is_found_and_a_year_is_counted(register: Register) -> None:
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    old = opened(register, received_at=now - timedelta(days=40))
    soon = opened(register, received_at=now - timedelta(days=28), kind="erasure")
    fresh = opened(register, received_at=now, contact_id=2)
    before = opened(register, received_at=datetime(2025, 12, 31, 22, 30, tzinfo=UTC))  # 2026 where we are
    requests.withdraw(register.engine, before, TESTER)
    today = deadlines.local_day(now)
    with reading(register.engine) as connection:
        assert [it["id"] for it in listing.requests(connection)] == [old, soon, fresh]
        due = listing.requests(connection, due_by=today + timedelta(days=7))
        assert [it["id"] for it in due] == [old, soon]
        assert listing.pressing(connection, today) == {"open": 3, "due_soon": 1, "overdue": 1}
        counted = listing.figures(connection, 2026)
        assert listing.figures(connection, 2025)["received"] == 0
    assert counted["by_kind"] == {"access": 3, "erasure": 1}
    assert (counted["received"], counted["by_status"]) == (4, {"received": 3, "withdrawn": 1})
    assert shown(register, soon)["of_this_person_within_a_year"] == 3


def test_somebody_unknown_is_kept_as_a_fingerprint_and_named_later(register: Register) -> None:
    with reading(register.engine) as connection:
        assert people.by_address(connection, register.ring, f" {ANNA.upper()}\n")[0] == 1
        nobody, key = people.by_address(connection, register.ring, "stranger@elsewhere.example")
    assert nobody is None
    request = opened(register, contact_id=None, subject_key=key)
    assert "stranger" not in repr(register.contents())
    with writing(register.engine) as connection:
        requests.name_contact(connection, request, 1, TESTER)
    with pytest.raises(RefusedOperation, match="that of contact 1"), writing(register.engine) as connection:
        requests.name_contact(connection, request, 2, TESTER)
    with pytest.raises(InputError, match="somebody's"):
        opened(register, contact_id=None)
    with pytest.raises(NotFound):
        requests.withdraw(register.engine, 999, TESTER)


def test_there_is_no_place_for_a_copy_of_a_document(sqlite_register: Register) -> None:
    columns = schema.rights_request.c
    assert [it.name for it in columns if isinstance(it.type, sa.LargeBinary)] == ["subject_key"]
    request = opened(sqlite_register)
    number = {"identified_at": utc_now(), "identified_by": "os:x", "identified_how": "document"}
    table = schema.rights_request
    looked = sa.update(table).where(table.c.id == request).values(**number, document="passport FI1234567")
    with writing(sqlite_register.engine) as connection, pytest.raises(IntegrityError):
        connection.execute(looked)
