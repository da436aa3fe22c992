"""Who is written to and who is not: the one statement against a slow and plain reading of the same rules."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.planning import expansion
from campaigns.planning.campaign import Planning
from campaigns.planning.expansion import expand
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.register_tables import SUPPRESSION_KINDS
from tests.planning.documents import made_planning
from tests.support.databases import migrated_file
from tests.support.postgres import fresh_database

MOMENT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LIST_IDS, COMPANIES, MAILBOXES = (1, 2, 3), (1, 2), ("a", "b", "c")
PURPOSE, LANGUAGES, FALLBACK = "marketing", ("sv", "en"), "en"


@dataclass(frozen=True)
class Contact:
    """One person; `mailbox` is the local part, the domain goes by it."""

    mailbox: str | None
    street: str | None
    language: str | None
    erased: bool
    company: int | None
    left_company: bool
    subscriptions: dict[int, str] = field(hash=False)
    basis: str = "live"

    @property
    def email_key(self) -> bytes | None:
        return f"address {self.mailbox}".encode() if self.mailbox and not self.erased else None

    @property
    def postal_key(self) -> bytes | None:
        return f"postal {self.street}".encode() if self.street else None

    @property
    def keys(self) -> set[bytes]:
        """Everything that a "no" about this person may be written under."""
        own = {self.email_key, self.postal_key, b"domain" if self.email_key else None}
        if self.company is not None and not self.left_company:
            own.add(f"company {self.company}".encode())
        return {key for key in own if key is not None}


@dataclass(frozen=True)
class No:
    """One suppression."""

    kind: str
    key: bytes
    list_id: int
    purpose: str
    channel: str
    lifted: bool


contacts = st.builds(
    Contact,
    mailbox=st.none() | st.sampled_from(MAILBOXES),
    street=st.none() | st.sampled_from(("One", "Two")),
    language=st.none() | st.sampled_from(("sv", "fi", "en", "de")),
    erased=st.sampled_from((False, False, False, True)),
    company=st.none() | st.sampled_from(COMPANIES),
    left_company=st.booleans(),
    subscriptions=st.dictionaries(
        st.sampled_from(LIST_IDS), st.sampled_from(("subscribed", "subscribed", "unsubscribed", "pending"))
    ),
    basis=st.sampled_from(("live", "live", "live", "ended", "for another purpose", "")),
)
KEYS = [f"address {name}".encode() for name in MAILBOXES]
KEYS += [b"domain", b"postal One", b"postal Two", b"company 1", b"company 2", b"nobody"]
noes = st.builds(
    No,
    kind=st.sampled_from(SUPPRESSION_KINDS),
    key=st.sampled_from(KEYS),
    list_id=st.sampled_from((0, *LIST_IDS)),
    purpose=st.sampled_from(("", PURPOSE, "research")),
    channel=st.sampled_from(("", "email", "post")),
    lifted=st.sampled_from((False, False, True)),
)
registers = st.tuples(st.lists(contacts, max_size=9), st.lists(noes, max_size=4, unique=True))
campaigns = st.tuples(
    st.permutations(LIST_IDS).flatmap(lambda ids: st.integers(1, 3).map(lambda count: ids[:count])),
    st.sampled_from(("email", "post", "both")),
)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planning]:
    with made_planning(migrated_file(tmp_path_factory.mktemp("expansion") / "e.db")) as made:
        yield made


@pytest.fixture(scope="module")
def on_postgres(postgres_server: str, postgres_template: str) -> Iterator[Planning]:
    with fresh_database(postgres_server, template=postgres_template) as url, made_planning(url) as made:
        yield made


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion, "BATCH_ROWS", 3)
    monkeypatch.setattr(expansion, "CHUNK_PEOPLE", 4)
    monkeypatch.setattr(expansion, "BREATH_SECONDS", 0)


@settings(max_examples=60)
@given(registers, campaigns)
def test_it_is_as_a_plain_reading_has_it(
    on_sqlite: Planning, register: tuple[list[Contact], list[No]], campaign: tuple[list[int], str]
) -> None:
    as_read(on_sqlite.engine, register, campaign)


@settings(max_examples=25)
@given(registers, campaigns)
def test_it_is_as_a_plain_reading_has_it_on_postgresql(
    on_postgres: Planning, register: tuple[list[Contact], list[No]], campaign: tuple[list[int], str]
) -> None:
    as_read(on_postgres.engine, register, campaign)


def test_a_campaign_is_expanded_once(on_sqlite: Planning) -> None:
    person = Contact(
        "a", None, "sv", erased=False, company=None, left_company=False, subscriptions={1: "subscribed"}
    )
    engine = on_sqlite.engine
    fill(engine, [person], [], [1], "email")
    first = expand(engine, 1)
    assert first is not None
    assert (first.recipients, first.batches) == (1, (1,))
    assert expand(engine, 1) is None
    assert expand(engine, 99) is None


def test_nobody_is_a_campaign_too(on_sqlite: Planning) -> None:
    fill(on_sqlite.engine, [], [], [1], "both")
    nobody = expand(on_sqlite.engine, 1)
    assert nobody is not None
    assert (nobody.recipients, nobody.batches) == (0, ())


@pytest.mark.parametrize("between", [0, 5], ids=["one chunk", "two chunks"])
@pytest.mark.parametrize("planning", ["on_sqlite", "on_postgres"])
def test_one_mailbox_under_two_keys_gets_one_message(
    planning: str, between: int, request: pytest.FixtureRequest
) -> None:
    engine = request.getfixturevalue(planning).engine
    state: dict[str, Any] = {"erased": False, "company": None, "left_company": False}
    state["subscriptions"] = {1: "subscribed"}
    twice, other = (Contact(mailbox, None, "sv", **state) for mailbox in "ab")
    fill(
        engine,
        [twice, *[other] * between, twice, twice],
        [No("objection", KEYS[0], 0, "", "", False)],
        [1],
        "email",
    )
    keys = [
        {"purpose": "fingerprint", "key_id": key, "check_value": "", "created_at": MOMENT} for key in (1, 2)
    ]
    later = {"key_id": 2, "email_key": b"address a under the second key", "email": "A@kund.example"}
    table = schema.contact
    with writing(engine) as connection:
        had = connection.execute(sa.select(schema.register_key)).mappings().all()
        connection.execute(sa.delete(schema.register_key))
        connection.execute(sa.insert(schema.register_key), keys)
        connection.execute(sa.update(table).where(table.c.id > 1 + between).values(**later))
    try:
        for lifted, reasons in ((False, ["objection", None]), (True, [None, "duplicate_address"])):
            with writing(engine) as connection:
                _campaign_again(connection)
                if lifted:
                    connection.execute(sa.delete(schema.suppression))
            assert expand(engine, 1) is not None
            with reading(engine) as connection:
                row = schema.delivery.c
                rows = connection.execute(sa.select(row.contact_id, row.reason)).all()
            found = {row.contact_id: row.reason for row in rows}
            assert [found[1], found[2 + between], found[3 + between]] == [*reasons, "duplicate_address"]
    finally:
        with writing(engine) as connection:
            connection.execute(sa.delete(schema.register_key))
            if had:
                connection.execute(sa.insert(schema.register_key), [dict(row) for row in had])


def _campaign_again(connection: sa.Connection) -> None:
    """The campaign as it was before it was expanded."""
    for table in (
        schema.delivery,
        schema.batch,
        schema.campaign_content,
        schema.campaign_list,
        schema.campaign,
    ):
        connection.execute(sa.delete(table))
    _campaign(connection, [1], "email")


def as_read(
    engine: sa.Engine, register: tuple[list[Contact], list[No]], campaign: tuple[list[int], str]
) -> None:
    (people, refusals), (lists, channel) = register, campaign
    fill(engine, people, refusals, lists, channel)
    made = expand(engine, 1)
    assert made is not None
    with reading(engine) as connection:
        table = schema.delivery.c
        rows = connection.execute(sa.select(schema.delivery).order_by(table.number)).all()
        batches = connection.execute(sa.select(schema.batch).order_by(schema.batch.c.batch_no)).all()
    found = {(row.channel, row.contact_id): (row.list_id, row.language, row.reason) for row in rows}
    assert found == plain_reading(people, refusals, lists, channel)
    assert all((row.status == "pending") == (row.reason is None) for row in rows)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    covered = [number for batch in batches for number in range(batch.first_number, batch.last_number + 1)]
    assert covered == [row.number for row in rows]
    channel_of = {row.number: row.channel for row in rows}
    for batch in batches:
        inside = range(batch.first_number, batch.last_number + 1)
        assert {channel_of[number] for number in inside} == {batch.channel}
        assert batch.channel == "post" or len(inside) <= 3
    assert sum(batch.channel == "post" for batch in batches) <= 1


Reading = dict[tuple[str, int], tuple[int, str, str | None]]


def plain_reading(people: list[Contact], refusals: list[No], lists: list[int], channel: str) -> Reading:
    """(channel, contact) -> list, language, reason."""
    read: Reading = {}
    for way in ("email", "post") if channel == "both" else (channel,):
        written_to: set[bytes] = set()
        for number, person in enumerate(people, start=1):
            on = [item for item in lists if item in person.subscriptions]
            if not on:
                continue
            live = [item for item in on if person.subscriptions[item] == "subscribed"]
            reached_by = (live or on)[0]
            reason = refusal(person, refusals, way, reached_by, live=bool(live))
            address = person.email_key if way == "email" else person.postal_key
            if reason is None and address is not None:
                reason = "duplicate_address" if address in written_to else None
                written_to.add(address)
            language = person.language if person.language in LANGUAGES else FALLBACK
            read[way, number] = (reached_by, language or FALLBACK, reason)
    return read


def refusal(person: Contact, refusals: list[No], way: str, reached_by: int, *, live: bool) -> str | None:
    """Why this person must not be written to in this way, the strongest reason first."""
    if person.erased:
        return "objection"
    kinds = {
        no.kind
        for no in refusals
        if not no.lifted
        and no.key in person.keys
        and no.list_id in (0, reached_by)
        and no.purpose in ("", PURPOSE)
        and no.channel in ("", way)
    }
    for kind in SUPPRESSION_KINDS:
        if kind in kinds:
            return kind
    if not live:
        return "unsubscribed"
    if person.basis != "live":
        return "no_basis"
    if way == "email" and person.email_key is None:
        return "no_email_address"
    return "no_postal_address" if way == "post" and person.street is None else None


def fill(
    engine: sa.Engine, people: list[Contact], refusals: list[No], lists: list[int], channel: str
) -> None:
    """Empty the register and the ledger, and lay down these people and one campaign."""
    with writing(engine) as connection:
        for table in (
            *(schema.delivery, schema.batch, schema.campaign_content, schema.campaign_list),
            *(schema.expansion, schema.campaign),
            *(schema.suppression, schema.subscription, schema.contact_basis, schema.position),
            *(schema.company, schema.contact),
        ):
            connection.execute(sa.delete(table))
        made = {"created_at": MOMENT, "created_by": "process:test"}
        changed = {"updated_at": MOMENT, "updated_by": "process:test"}
        for number in COMPANIES:
            values = {"id": number, "name": f"C{number}", "company_key": f"company {number}".encode()}
            connection.execute(sa.insert(schema.company).values(**values, **made))
        for number, person in enumerate(people, start=1):
            connection.execute(
                sa.insert(schema.contact).values(id=number, **contact(person), **made, **changed)
            )
            _place(connection, number, person)
            _allow(connection, number, person.basis)
        for no in refusals:
            _refuse(connection, no)
        _campaign(connection, lists, channel)


def contact(person: Contact) -> dict[str, Any]:
    """The columns of a person."""
    has_mail = person.email_key is not None
    return {
        "key_id": 1,
        "email": f"{person.mailbox}@kund.example" if has_mail else None,
        "email_key": person.email_key,
        "domain_key": b"domain" if has_mail else None,
        "street": person.street,
        "postal_code": person.street and "00100",
        "city": person.street and "Helsingfors",
        "postal_key": person.postal_key,
        "language": person.language,
        "erased_at": MOMENT if person.erased else None,
    }


def _place(connection: sa.Connection, number: int, person: Contact) -> None:
    if person.company is not None:
        ended = MOMENT if person.left_company else None
        values = {"contact_id": number, "company_id": person.company, "started_at": MOMENT, "ended_at": ended}
        connection.execute(sa.insert(schema.position).values(**values, created_by="process:test"))
    for list_id, status in person.subscriptions.items():
        values = {"list_id": list_id, "contact_id": number, "status": status, "since": MOMENT}
        connection.execute(sa.insert(schema.subscription).values(**values, changed_by="process:test"))


def _allow(connection: sa.Connection, number: int, basis: str) -> None:
    purpose = "research" if basis == "for another purpose" else PURPOSE
    ended = {"ended_at": MOMENT, "ended_by": "process:test"} if basis == "ended" else {}
    values = {"contact_id": number, "purpose": purpose, "basis": "consent", "evidence": "", "since": MOMENT}
    if basis:
        connection.execute(sa.insert(schema.contact_basis).values(**values, **ended))


def _refuse(connection: sa.Connection, no: No) -> None:
    lifted = {"lifted_at": MOMENT, "lifted_by": "process:test"} if no.lifted else {}
    connection.execute(
        sa.insert(schema.suppression).values(
            kind=no.kind, subject="address", subject_key=no.key, key_id=1, list_id=no.list_id,
            purpose=no.purpose, channel=no.channel, origin="operator", evidence="", recorded_at=MOMENT,
            recorded_by="process:test", **lifted,
        )
    )  # fmt: skip


def _campaign(connection: sa.Connection, lists: list[int], channel: str) -> None:
    connection.execute(
        sa.insert(schema.campaign).values(
            id=1, submission_id="one", key="k", edition="e", kind="newsletter", channel=channel,
            purpose=PURPOSE, template="plain", sender="default", smarthost="main",
            fallback_language=FALLBACK, status="scheduled", created_at=MOMENT, created_by="process:test",
        )
    )  # fmt: skip
    for rank, list_id in enumerate(lists):
        values = {"campaign_id": 1, "list_id": list_id, "rank": rank}
        connection.execute(sa.insert(schema.campaign_list).values(**values))
    for language in LANGUAGES:
        content = {
            "campaign_id": 1,
            "language": language,
            "subject": "s",
            "html": "h",
            "text": "t",
            "digest": "d",
        }
        connection.execute(sa.insert(schema.campaign_content).values(**content))
