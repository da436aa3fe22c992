from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from campaigns.clock import utc_now
from campaigns.errors import Fault, InputError
from campaigns.planning import segments
from campaigns.planning.expansion import expand
from campaigns.planning.segment_language import SegmentFault, read_expression, said
from campaigns.planning.segments import Counting, Segment
from campaigns.register import mailing_lists
from campaigns.register.declared import DeclaredField
from campaigns.register.event_table import Declared, import_events, take_document
from campaigns.register.events import EventSource
from campaigns.register.fields import set_many
from campaigns.register.intake_encoding import examine
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.register.conftest import empty_register
from tests.register.tables import HEADS, imported, person, table
from tests.support.databases import migrated_file
from tests.support.postgres import fresh_database
from tests.support.register import TESTER, Register

FIELDS = {
    "turnover": DeclaredField("turnover", "number", "targeting", 365),
    "met_on": DeclaredField("met_on", "date", "targeting", 365),
    "crm_number": DeclaredField("crm_number", "reference", "naming people", 365),
    "size": DeclaredField("size", "choice", "targeting", 365, ("small", "large")),
}
ALL = {"asa", "eero", "mia", "olof"}
PEOPLE = (
    ("Sågen Ab", "0112038-9", "Åsa", "Öberg", "asa@sagen.example", "sv", "Åbo"),
    ("Saha Oy", "1234567-1", "Eero", "Kivelä", "eero@saha.example", "fi", "Vasa"),
    ("Mill Ltd", "", "Mia", "O'Neil", "mia@mill.example", "en", "Leeds"),
    ("Sågen Ab", "0112038-9", "Olof", "Berg", "olof@sagen.example", "sv", ""),
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def peopled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    """Four people, their events and extra fields; read only."""
    folder = tmp_path_factory.mktemp("segments")
    if request.param == "sqlite":
        with empty_register(migrated_file(folder / "r.sqlite"), folder / "keys") as register:
            yield filled(register, folder)
        return
    server, template = map(request.getfixturevalue, ("postgres_server", "postgres_template"))
    with fresh_database(server, template=template) as url, empty_register(url, folder / "keys") as register:
        yield filled(register, folder)


def filled(register: Register, folder: Path) -> Register:
    imported(register, folder / "people.csv", table(HEADS, *PEOPLE))
    ids = {
        name: person(register, f"{name}@{place}.example")["id"]
        for name, place in (("asa", "sagen"), ("eero", "saha"), ("mia", "mill"), ("olof", "sagen"))
    }
    values = {
        (ids["asa"], "turnover"): "250.5",
        (ids["eero"], "turnover"): "90",
        (ids["asa"], "met_on"): "2026-03-01",
        (ids["mia"], "crm_number"): "C-7",
        (ids["eero"], "size"): "small",
    }
    with writing(register.engine) as connection:
        set_many(connection, FIELDS, values)
    now = utc_now()
    events = [
        {"contact": str(ids["asa"]), "kind": "purchase", "at": days_ago(now, 10), "amount": "12,5"},
        {"contact": str(ids["asa"]), "kind": "purchase", "at": days_ago(now, 20)},
        {"contact": str(ids["eero"]), "kind": "purchase", "at": days_ago(now, 200)},
        {"company": "FI01120389", "kind": "offer", "at": days_ago(now, 5)},
        {"company": "FI01120389", "kind": "offer", "at": days_ago(now, 15)},
    ]
    take_document(register.engine, register.ring, {"source": "shop", "events": events}, (FIELDS, TESTER))
    return register


def days_ago(now: Any, days: int) -> str:
    text: str = (now - timedelta(days=days)).isoformat()
    return text


def found(register: Register, expression: str) -> set[str]:
    with reading(register.engine) as connection:
        inside = segments.condition(connection, expression, FIELDS)
        rows = connection.execute(sa.select(schema.contact.c.email).where(inside)).scalars()
        return {email.split("@")[0] for email in rows}


@pytest.mark.parametrize(
    "expression, people",
    [
        ('language = "svenska"', {"asa", "olof"}),
        ('city = "åbo"', {"asa"}),
        ('city != "Åbo"', {"eero", "mia", "olof"}),
        ("not city is empty", {"asa", "eero", "mia"}),
        ("city is empty", {"olof"}),
        ('city in ("VASA", leeds)', {"eero", "mia"}),
        ('last_name contains "\'n"', {"mia"}),
        ('last_name starts with "ö"', {"asa"}),
        ('first_name contains "%"', set()),
        ('company = "sågen ab"', {"asa", "olof"}),
        ('business_id = "1234567-1"', {"eero"}),
        ("turnover >= 90.5", {"asa"}),
        ("turnover < 100", {"eero"}),
        ("turnover != 90", ALL - {"eero"}),
        ("met_on >= 2026-01-01", {"asa"}),
        ('crm_number = "c-7"', {"mia"}),
        ("size = Small", {"eero"}),
        ("size is empty", ALL - {"eero"}),
        ('list "news"', ALL),
        ("event purchase", {"asa", "eero"}),
        ("event purchase within 90 days", {"asa"}),
        ("event purchase within 1 year", {"asa", "eero"}),
        ("event purchase at least 2 times within 4 weeks", {"asa"}),
        ("event purchase since 2100-01-01", set()),
        ("not event purchase", {"mia", "olof"}),
        ("company event offer within 1 weeks", {"asa", "olof"}),
        ("company event offer at least 2 times within 4 weeks", {"asa", "olof"}),
        ("company event offer at least 3 times within 4 weeks", set()),
        ('received "newsletter"', set()),
        ("event purchase and language = fi or city = Leeds", {"eero", "mia"}),
        ("event purchase and (language = fi or city = Leeds)", {"eero"}),
        ("not (event purchase or language = en)", {"olof"}),
    ],
)
def test_who_is_in(peopled: Register, expression: str, people: set[str]) -> None:
    assert found(peopled, expression) == people
    assert found(peopled, said(read_expression(expression))) == people


@pytest.mark.parametrize(
    "expression, faults",
    [
        ('langage = "sv"', [Fault("1:1", "there is no field 'langage'; did you mean 'language'?")]),
        ('list "newz"', [Fault("1:6", "there is no list 'newz'; did you mean 'news'?")]),
        (
            'event purchas\nand size = "medium"',
            [
                Fault(
                    "1:7",
                    "there are no events 'purchas'; there are offer, purchase, use_of_service, meeting, "
                    "feedback, call_recording; did you mean 'purchase'?",
                ),
                Fault("2:12", "size: is none of small, large"),
            ],
        ),
        ("city > 3", [Fault("1:1", "city is text, which is neither more nor less")]),
        ("turnover > many", [Fault("1:12", "turnover: is no number")]),
        ("language = klingon", [Fault("1:12", "is no language that is known")]),
        (
            "city = ",
            [
                Fault(
                    "1:7",
                    "ends too early; expected: a date such as 2026-11-25, a whole number, a name, "
                    'a number, a text in "…"',
                )
            ],
        ),
        ("", [Fault("1:1", 'is empty; `list "news"` would be a segment')]),
        ("a = 1\n  b = 2", [Fault("2:3", "'b' is not expected; expected: the end, and, or")]),
        ("a = 'x'", [Fault("1:5", '"\'" means nothing here')]),
        ("event purchase since 2026-02-30", [Fault("1:22", "2026-02-30 is no day of the calendar")]),
        (
            "(" * 3000,
            [
                Fault(
                    "1:3001", "ends too early; expected: (, a name, company event, event, list, not, received"
                )
            ],
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(
    peopled: Register, expression: str, faults: list[Fault]
) -> None:
    with reading(peopled.engine) as connection, pytest.raises(SegmentFault) as refused:
        segments.condition(connection, expression, FIELDS)
    assert list(refused.value.faults) == faults


@given(st.text('()andornot "=<>1234city,event list', max_size=60) | st.text(max_size=30))
def test_any_text_is_a_tree_or_a_fault(text: str) -> None:
    try:
        tree = read_expression(text)
    except SegmentFault as refused:
        told = refused.faults
        assert told
    else:
        assert said(read_expression(said(tree))) == said(tree)


def test_deep_nesting_is_refused_and_does_not_break(peopled: Register) -> None:
    deep = "not (" * 600 + "city = a" + ")" * 600
    with pytest.raises(SegmentFault, match="nested more than"):
        read_expression(deep)
    assert found(peopled, "(" * 1500 + "city = Leeds" + ")" * 1500) == {"mia"}


def test_groups_below_the_minimum_are_not_told(peopled: Register) -> None:
    with reading(peopled.engine) as connection:
        assert segments.count(connection, "language = sv", Counting(FIELDS, 3)) is None
        assert segments.count(connection, "language = sv", Counting(FIELDS, 2)) == 2
        assert segments.count(connection, "language = de", Counting(FIELDS, 3)) == 0


def test_explains_who_is_in_and_why_the_others_are_out(peopled: Register) -> None:
    with reading(peopled.engine) as connection:
        news = mailing_lists.get(connection, "news")
        told = segments.explain(connection, "event purchase and language = sv", Counting(FIELDS, 1), news)
        hidden = segments.explain(connection, "event purchase and language = sv", Counting(FIELDS, 3))
    assert (told["contacts"], told["in"], told["out"]) == (4, 1, 3)
    assert told["conditions"] == [
        {"condition": "event purchase", "matching": 2},
        {"condition": 'language = "sv"', "matching": 2},
    ]
    assert (told["written_to"], told["withheld"]) == (1, {})
    assert (hidden["in"], hidden["out"], hidden["conditions"][0]["matching"]) == (None, None, None)


def test_saved_segments_are_checked_and_replaced(sqlite_register: Register) -> None:
    with writing(sqlite_register.engine) as connection:
        segments.add(connection, Segment("buyers", "Buyers", "event purchase"), {}, TESTER)
        segments.add(connection, Segment("buyers", "", "event purchase within 1 year"), {}, TESTER)
        assert segments.get(connection, "buyers") == Segment(
            "buyers", "buyers", "event purchase within 1 year"
        )
        with pytest.raises(SegmentFault):
            segments.add(connection, Segment("bad", "", "nothing"), {}, TESTER)
        with pytest.raises(InputError, match="segment key"):
            segments.add(connection, Segment("No Key", "", "event purchase"), {}, TESTER)


def test_a_submission_hears_every_fault_of_its_segment(sqlite_register: Register) -> None:
    faults: list[Fault] = []
    with reading(sqlite_register.engine) as connection:
        assert segments.submitted(connection, "buyers", {}, faults) is None
        assert segments.submitted(connection, "langage = sv and event purchas", {}, faults) is None
        assert segments.submitted(connection, None, {}, faults) is None
    assert [fault.where for fault in faults] == [
        "campaign.segment",
        "campaign.segment:1:1",
        "campaign.segment:1:24",
    ]


def test_a_campaign_reaches_those_of_its_lists_who_are_in_its_segment(
    register: Register, tmp_path: Path
) -> None:
    imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    faults: list[Fault] = []
    with writing(register.engine) as connection:
        kept = segments.submitted(connection, "language = sv and city is empty", {}, faults)
        made = {"created_at": utc_now(), "created_by": "process:test"}
        connection.execute(
            sa.insert(schema.campaign).values(
                id=1, submission_id="one", key="k", edition="e", kind="newsletter", channel="email",
                purpose="marketing", template="plain", sender="default", smarthost="main",
                fallback_language="en", status="scheduled", segment=kept, **made,
            )
        )  # fmt: skip
        news = mailing_lists.get(connection, "news").id
        connection.execute(sa.insert(schema.campaign_list).values(campaign_id=1, list_id=news, rank=0))
    expansion = expand(register.engine, 1)
    assert expansion is not None
    assert (expansion.recipients, faults) == (1, [])
    with reading(register.engine) as connection:
        rows = connection.execute(sa.select(schema.delivery.c.contact_id, schema.delivery.c.status)).all()
    assert rows == [(person(register, "olof@sagen.example")["id"], "pending")]


EVENTS = "contact,company,kind,at,event_id,reference,reason,until\n"


def test_events_of_a_table_are_recorded_once_and_bad_ones_told(register: Register, tmp_path: Path) -> None:
    imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    asa = person(register, "asa@sagen.example")["id"]
    path = tmp_path / "events.csv"
    path.write_text(
        EVENTS
        + f"{asa},,purchase,2026-11-01,e1,,,\n" * 2
        + f"{asa},,meeting,2026-11-02T09:00:00+02:00,,,,\n"
        + ",0112038-9,Use of service,2026-11-01,,,,\n"
        + f"{asa},,call_recording,2026-11-03,,rec/7,proof of the order,2027-11-03\n"
        + f"{asa},,call_recording,2026-11-03,,rec/8,,\n999999,,purchase,2026-11-01,,,,\n"
        + "asa@sagen.example,,purchase,2026-11-01,,,,\n"
        + f",,purchase,2026-11-01,,,,\n{asa},,purchase,yesterday,,,,\n{asa},,dance,2026-11-01,,,,\n"
    )
    by: Declared = ({}, TESTER)
    report = import_events(register.engine, register.ring, examine(path), EventSource("shop"), by)
    assert (report.rows, report.recorded, report.unchanged) == (11, 4, 1)
    assert [refusal["row"] for refusal in report.refused] == [7, 8, 9, 10, 11, 12]
    before = register.contents()
    again = import_events(register.engine, register.ring, examine(path), EventSource("shop"), by)
    assert (again.rows, again.recorded, again.unchanged, len(again.refused)) == (11, 0, 5, 6)
    assert register.contents() == before
    with reading(register.engine) as connection:
        recording = connection.execute(
            sa.select(schema.event).where(schema.event.c.kind == "call_recording")
        ).one()
        assert (recording.reference, recording.reason) == ("rec/7", "proof of the order")
    with pytest.raises(InputError, match="never by an address"):
        import_events(register.engine, register.ring, examine(path), EventSource("shop", "email"), by)


def test_contacts_are_named_by_a_declared_reference(peopled: Register) -> None:
    event = {"contact": "C-7", "kind": "feedback", "at": "2026-11-01", "event_id": "f1"}
    document = {
        "source": "desk",
        "by": "crm_number",
        "events": [event, {**event, "contact": "C-8", "event_id": "f2"}],
    }
    report = take_document(peopled.engine, peopled.ring, document, (FIELDS, TESTER))
    assert (report.recorded, [refusal["row"] for refusal in report.refused]) == (1, [2])
    assert found(peopled, "event feedback") == {"mia"}
    with pytest.raises(InputError, match="events: write"):
        take_document(peopled.engine, peopled.ring, "nonsense", (FIELDS, TESTER))
