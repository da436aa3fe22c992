"""Submissions: taken once, or refused with everything that is wrong with them; never lost, never a crash."""

import copy
import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import SubmissionRefused
from campaigns.planning.campaign import Planning, receive
from campaigns.planning.submission import json_schema, read_document
from campaigns.register import mailing_lists
from campaigns.register.mailing_lists import MailingList
from campaigns.store.engine import writing
from tests.planning.documents import TESTER, campaigns, document, kept, made_planning
from tests.support.databases import migrated_file
from tests.support.postgres import fresh_database


@pytest.fixture
def planning(database_url: str) -> Iterator[Planning]:
    with made_planning(database_url) as made:
        yield made


@pytest.fixture(scope="module")
def planning_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planning]:
    with made_planning(migrated_file(tmp_path_factory.mktemp("planning") / "p.db")) as made:
        yield made


def where(planning: Planning, submitted: object) -> set[str]:
    """The places of the faults that a document is refused for."""
    receipt = receive(planning, submitted)
    assert receipt.campaign_id is None
    return {fault.where for fault in receipt.faults}


DEEP: list[Any] = []
for _ in range(60):
    DEEP = [DEEP]

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no such version": ({"version": 2}, "version"),
    "an id with a blank": ({"submission_id": "a b"}, "submission_id"),
    "an id that is a number": ({"submission_id": 5}, "submission_id"),
    "an id that is too long": ({"submission_id": "a" * 101}, "submission_id"),
    "nobody": ({"submitted_by": "me"}, "submitted_by"),
    "an unknown name": ({"colour": "red"}, "colour"),
    "an unknown name within": ({"campaign__colour": "red"}, "campaign.colour"),
    "an unknown name in a part": ({"options__colour": "red"}, "options.colour"),
    "a key in capitals": ({"campaign__key": "News"}, "campaign.key"),
    "a kind nobody knows": ({"campaign__kind": "leaflet"}, "campaign.kind"),
    "a channel nobody knows": ({"campaign__channel": "fax"}, "campaign.channel"),
    "no list": ({"campaign__lists": []}, "campaign.lists"),
    "a list twice": ({"campaign__lists": ["news", "news"]}, "campaign.lists"),
    "a list that is not there": ({"campaign__lists": ["news", "nowhere"]}, "campaign.lists.1"),
    "a list for another purpose": ({"campaign__lists": ["surveys"]}, "campaign.lists.0"),
    "another purpose than the list's": ({"campaign__purpose": "research"}, "campaign.lists.0"),
    "no subject": ({"campaign__subject": {}}, "campaign.subject"),
    "an empty subject": ({"campaign__subject": {"sv": ""}}, "campaign.subject.sv"),
    "a subject of two lines": ({"campaign__subject": {"sv": "a\r\nBcc: e@x.example"}}, "campaign.subject.sv"),
    "a language nobody speaks": ({"campaign__subject": {"de": "Tag"}}, "campaign.subject.de"),
    "a template that is not there": ({"campaign__template": "nothing"}, "campaign.template"),
    "a template for another kind": ({"campaign__template": "magazine"}, "campaign.template"),
    "a path for a template": ({"campaign__template": "../plain"}, "campaign.template"),
    "a sender who is not there": ({"sender__key": "stranger"}, "sender.key"),
    "a time without an offset": ({"options__deadline": "2026-11-26T08:00"}, "options.deadline"),
    "a time out of reach": ({"options__deadline": "9999-12-31T23:59:59-12:00"}, "options.deadline"),
    "a time in numbers": ({"options__deadline": 1_700_000_000}, "options.deadline"),
    "a fallback without a subject": ({"options__fallback_language": "fi"}, "options.fallback_language"),
    "half a letter": ({"campaign__merge_data__sv__heading": "\ud800"}, "campaign.merge_data.sv.heading"),
    "a letter that ends texts": ({"campaign__merge_data__sv__heading": "\0"}, "campaign.merge_data.sv.heading"),
    "no number": ({"campaign__merge_data__number": math.nan}, "campaign.merge_data.number"),
}  # fmt: skip


def test_each_fault_is_told_in_its_place(planning_on_sqlite: Planning) -> None:
    for name, (changes, place) in FAULTS.items():
        assert place in where(planning_on_sqlite, document(**changes)), name
    for missing in ("submission_id", "submitted_by", "campaign"):
        bad = document()
        del bad[missing]
        assert missing in where(planning_on_sqlite, bad)


def test_all_faults_are_told_at_once_whatever_finds_them(planning: Planning) -> None:
    bad = document(
        campaign__lists=["nowhere"],
        campaign__colour="red",
        campaign__channel="fax",
        campaign__template="nothing",
        sender__key="stranger",
        options__fallback_language="fi",
        submitted_by="me",
        version=2,
    )
    assert where(planning, bad) == {
        *("campaign.lists.0", "campaign.colour", "campaign.channel", "campaign.template", "sender.key"),
        *("options.fallback_language", "submitted_by", "version"),
    }
    (row,) = kept(planning)
    assert (row["status"], row["submission_id"], len(row["faults"])) == ("refused", "one", 8)
    assert row["document"] == bad


def test_what_a_template_misses_is_told_together_with_the_rest(planning: Planning) -> None:
    bad = document(sender__key="stranger", campaign__merge_data={"sv": {"heading": "Hej"}})
    found = where(planning, bad)
    assert "sender.key" in found
    assert any(place.startswith("campaign.merge_data") for place in found)


def test_post_needs_a_print_house(sqlite_url: str) -> None:
    with made_planning(sqlite_url, prints=False) as planning:
        assert where(planning, document(campaign__channel="both")) == {"campaign.channel"}


@pytest.mark.parametrize(
    "submitted",
    [None, [], "text", 5, [[]], {"submission_id": "x\0y"}, {"submission_id": "\ud800"}, {"a": DEEP}, DEEP,
     {"submission_id": {"a": 1}}, {"\0": 1}, {"submission_id": "i", "x": "y" * 1_100_000}, {"x": -math.inf}],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_nonsense_is_kept_as_far_as_it_can_be(planning: Planning, submitted: object) -> None:
    assert where(planning, submitted)
    assert where(planning, submitted)
    (row,) = kept(planning)
    assert row["status"] == "refused"
    assert row["faults"]
    assert "\0" not in json.dumps(row["document"])


def test_the_same_submission_again_is_the_same_campaign(planning: Planning) -> None:
    first = receive(planning, document())
    again = receive(planning, document())
    assert (first.campaign_id, first.fresh) == (again.campaign_id, not again.fresh) == (1, True)
    reordered = dict(reversed(document().items()))
    assert receive(planning, reordered).campaign_id == 1
    assert where(planning, document(campaign__edition="2026-12")) == {"submission_id"}
    other = receive(planning, document(submission_id="two"))  # key and edition may repeat
    assert (other.campaign_id, campaigns(planning)) == (2, 2)


def test_the_same_submission_many_times_at_the_same_moment_is_one_campaign(planning: Planning) -> None:
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: receive(planning, document()), range(8)))
    assert {receipt.campaign_id for receipt in receipts} == {1}
    assert (campaigns(planning), len(kept(planning))) == (1, 1)


def test_a_refused_submission_is_taken_when_what_it_lacked_is_there(planning: Planning) -> None:
    submitted = document(campaign__lists=["later"])
    assert where(planning, submitted) == {"campaign.lists.0"}
    with writing(planning.engine) as connection:
        later = MailingList(0, "later", "newsletter", "Later", "marketing")
        mailing_lists.add(connection, later, TESTER)
    assert receive(planning, submitted).campaign_id == 1
    (row,) = kept(planning)
    assert (row["status"], row["faults"], row["campaign_id"]) == ("accepted", [], 1)


def test_the_schema_is_valid_and_takes_what_is_taken() -> None:
    schema = json_schema()
    jsonschema_rs.meta.validate(schema)
    checker = jsonschema_rs.validator_for(schema)
    assert checker.is_valid(document())
    assert not checker.is_valid(document(colour="red"))


texts = st.text(max_size=20) | st.sampled_from(
    ["news", "sv", "2026-11-26T08:00:00+02:00", "\0", "\ud800", "0 9 * * *"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    *("version", "submission_id", "submitted_by", "signature", "campaign", "schedule", "sender", "options"),
    *("campaign__key", "campaign__edition", "campaign__kind", "campaign__channel", "campaign__lists"),
    *("campaign__purpose", "campaign__subject", "campaign__template", "campaign__merge_data", "sender__key"),
    *(
        "campaign__merge_data__sv",
        "campaign__merge_data__x",
        "options__deadline",
        "options__fallback_language",
    ),
    *("schedule__send_at", "schedule__time_zone", "schedule__cron", "schedule__until", "x"),
]
changed = st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3)


def altered(changes: dict[str, Any]) -> dict[str, Any] | None:
    """The document with these changes; None where they contradict each other."""
    try:
        return document(**copy.deepcopy(dict(sorted(changes.items(), reverse=True))))
    except (AttributeError, TypeError):
        return None


@settings(max_examples=30)
@given(changed)
def test_whatever_comes_is_taken_or_refused(planning_on_sqlite: Planning, changes: dict[str, Any]) -> None:
    taken_or_refused(planning_on_sqlite, altered(changes))


@settings(max_examples=20)
@given(changed | values.map(lambda value: {"": value}))
def test_whatever_comes_is_taken_or_refused_by_postgresql_too(
    postgres_planning: Planning, changes: dict[str, Any]
) -> None:
    taken_or_refused(postgres_planning, changes[""] if "" in changes else altered(changes))


@pytest.fixture(scope="module")
def postgres_planning(postgres_server: str, postgres_template: str) -> Iterator[Planning]:
    with fresh_database(postgres_server, template=postgres_template) as url, made_planning(url) as made:
        yield made


def taken_or_refused(planning: Planning, submitted: object) -> None:
    receipt = receive(planning, submitted)
    taken = receipt.campaign_id is not None or receipt.recurrence_id is not None
    assert taken != bool(receipt.faults)
    assert all(fault.where and fault.problem for fault in receipt.faults)
    again = receive(planning, submitted)
    assert (again.campaign_id, again.faults) == (receipt.campaign_id, receipt.faults)
    statuses = [row["status"] for row in kept(planning) if row["submission_id"] == receipt.submission_id]
    assert ("accepted" if taken else "refused") in statuses


@given(changed)
def test_the_schema_takes_whatever_the_contract_takes(changes: dict[str, Any]) -> None:
    submitted = altered(changes)
    try:
        read_document(submitted)
    except SubmissionRefused:
        return
    assert jsonschema_rs.validator_for(json_schema()).is_valid(json.loads(json.dumps(submitted)))


def test_a_name_that_the_contract_lacks_is_told_with_those_that_it_has() -> None:
    with pytest.raises(SubmissionRefused) as refused:
        read_document(document(zzz=1, campaign__data={}, campaign__lists="news"))
    told = {fault.where: fault.problem for fault in refused.value.faults}
    assert told["zzz"].startswith("the contract has no such name; it has version, submission_id,")
    assert "; campaign has key, edition," in told["campaign.data"]
    assert told["campaign.lists"] == 'must be a list, such as ["news"]'
    assert len(SubmissionRefused(refused.value.faults * 2).faults) == len(told)
