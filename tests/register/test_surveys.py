"""Surveys: what may be asked, answers apart from people, no small group told, and all that follows a person's data."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from campaigns.clock import utc_now
from campaigns.errors import FaultyInput, InputError, NotAllowed, NotFound, RefusedOperation
from campaigns.principal import Principal
from campaigns.register import surveys
from campaigns.register.intake_encoding import examine
from campaigns.register.survey_form import read_survey
from campaigns.register.survey_table import AnswerReport, import_answers
from campaigns.register.surveys import Survey
from campaigns.rights import erasure, requests
from campaigns.rights.dossier import Keeper, dossier
from campaigns.rights.letting_go import STEPS, Due
from campaigns.rights.windows import FURTHER, MAPPED, Windows
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import LIST_ID, TESTER, Register, made_register

ASKED: dict[str, Any] = {
    "key": "readers-2026",
    "closes": date(2099, 12, 31),
    "title": {"sv": "Vad tycker du?", "en": "What do you think?"},
    "questions": [
        {"key": "liked", "kind": "scale", "text": {"sv": "Gillar du tidningen?"}, "required": True},
        {
            "key": "way",
            "kind": "choice",
            "text": {"sv": "Hur vill du ha den?"},
            "choices": [{"key": "post", "sv": "I brevlådan"}, {"key": "email", "sv": "I inkorgen"}],
        },
        {"key": "words", "kind": "text", "text": {"sv": "Annat?"}},
    ],
}
GIVEN = {"liked": "4", "way": "post", "words": "canaryword", "other": "x"}


@pytest.fixture
def register(database_url: str, tmp_path: Path) -> Iterator[Register]:
    with made_register(database_url, tmp_path / "secrets") as made:
        yield made


def opened(register: Register, **changes: Any) -> Survey:
    with writing(register.engine) as connection:
        return surveys.add(connection, read_survey({**ASKED, **changes}), "Europe/Helsinki", TESTER)


def answered(register: Register, survey: Survey, contact: int, **given: str) -> bool:
    with writing(register.engine) as connection:
        said = {**GIVEN, **given}
        return surveys.answer(connection, survey, contact, said, Principal(f"contact:{contact}"))


def rows(register: Register, table: sa.Table) -> list[Any]:
    with reading(register.engine) as connection:
        return list(connection.execute(sa.select(table)).all())


def test_all_that_is_wrong_with_a_declaration_is_told_at_once() -> None:
    question = {"key": "A b", "kind": "choice", "text": {"de": "Nein"}, "more": 1}
    twice = [{"key": "x", "kind": "scale", "text": {"en": "x"}, "choices": [1]}] * 2
    asked = {
        "key": "",
        "closes": "soon",
        "title": {},
        "identified": 1,
        "questions": [question, *twice],
        "more": 1,
    }
    with pytest.raises(FaultyInput) as refused:
        read_survey(asked)
    assert {fault.where for fault in refused.value.faults} == {
        *("key", "closes", "title", "identified", "more", "questions", "questions.0.key", "questions.0.text"),
        *("questions.0.choices", "questions.0.more", "questions.1.choices", "questions.2.choices"),
    }


def test_nothing_leads_from_an_answer_to_who_gave_it(register: Register) -> None:
    survey = opened(register)
    assert answered(register, survey, 1)
    before = register.contents()
    assert not answered(register, survey, 1, liked="1"), "once for each person"
    assert register.contents() == before
    (kept,) = rows(register, schema.survey_answer)
    assert kept.contact_id is None
    assert kept.answers == {"liked": "4", "way": "post", "words": "canaryword"}
    assert set(schema.survey_answer.c.keys()) == {"id", "survey_id", "contact_id", "answers"}, (
        "no time either"
    )
    elsewhere = {name: text for name, text in before.items() if name != "survey_answer"}
    assert "canaryword" not in str(elsewhere)
    assert kept.id not in str(elsewhere)
    with reading(register.engine) as connection:
        assert surveys.open_to(connection, 1, LIST_ID) == []
        assert [it.key for it in surveys.open_to(connection, 2, LIST_ID)] == ["readers-2026"]


def test_what_is_missing_or_too_late_is_refused(register: Register) -> None:
    survey = opened(register)
    for wrong in ({"liked": ""}, {"liked": "6"}, {"way": "pigeon"}, {"words": "a\0b"}, {"words": "x" * 2001}):
        with pytest.raises(FaultyInput):
            answered(register, survey, 1, **wrong)
    with pytest.raises(NotAllowed), writing(register.engine) as connection:
        surveys.answer(connection, survey, 1, GIVEN, Principal("process:worker"))
    with writing(register.engine) as connection:
        surveys.close(connection, survey.key, TESTER)
        closed = surveys.get(connection, survey.key)
    with pytest.raises(RefusedOperation, match="is closed"):
        answered(register, closed, 1)
    assert rows(register, schema.survey_answer) == []


def test_a_key_asks_one_thing(register: Register) -> None:
    first = opened(register)
    assert opened(register, closes=date(2098, 1, 1)).closes_at < first.closes_at
    with pytest.raises(RefusedOperation, match="asks something else"):
        opened(register, identified=True)
    with pytest.raises(NotFound, match="nowhere"):
        opened(register, key="more", list="nowhere")
    of_list = opened(register, key="of-list", list="sagen")
    with reading(register.engine) as connection:
        assert of_list not in surveys.open_to(connection, 1, LIST_ID + 1)
        assert of_list in surveys.open_to(connection, 1, LIST_ID)


def test_results_are_told_when_it_is_closed_and_of_groups_that_are_large_enough(register: Register) -> None:
    survey = opened(register)
    for contact, way in ((1, "post"), (2, "post"), (3, "post"), (4, "email")):
        answered(register, survey, contact, way=way)
    with writing(register.engine) as connection:
        with pytest.raises(RefusedOperation, match="takes answers until"):
            surveys.results(connection, survey.key, 2, TESTER)
        surveys.close(connection, survey.key, TESTER)
        assert surveys.results(connection, survey.key, 5, TESTER)["questions"] == []
        found = surveys.results(connection, survey.key, 2, TESTER)
    scale, way, words = found["questions"]
    assert found["answers"] == 4
    assert scale["counts"] == {"1": 0, "2": 0, "3": 0, "4": 4, "5": 0, "none": 0}
    assert way["counts"] == {"post": None, "email": None, "none": 0}, "one alone could be worked out"
    assert words["texts"] == ["canaryword"] * 4


@given(st.lists(st.integers(0, 12), min_size=2, max_size=8), st.integers(2, 6))
def test_no_small_group_can_be_worked_out(counts: list[int], minimum: int) -> None:
    asked = {str(number): count for number, count in enumerate(counts)}
    told = surveys.without_small_groups(asked, minimum)
    hidden = [asked[name] for name, count in told.items() if count is None]
    assert all(count is None or count == 0 or count >= minimum for count in told.values())
    assert all(told[name] in (None, count) for name, count in asked.items())
    if hidden:
        assert sum(hidden) >= minimum or not any(told.values())
        assert len(hidden) > 1 or not any(told.values())


def imported(register: Register, folder: Path, key: str, text: str) -> AnswerReport:
    file = folder / "answers.csv"
    file.write_text(text)
    return import_answers(register.engine, key, examine(file), TESTER)


def test_answers_from_paper_count_once(register: Register, tmp_path: Path) -> None:
    opened(register)
    text = "liked;way\n4;post\n4;post\n9;post\n5;\n"
    first = imported(register, tmp_path, "readers-2026", text)
    assert (first.rows, first.taken, first.unchanged, [it["row"] for it in first.refused]) == (4, 3, 0, [4])
    again = imported(register, tmp_path, "readers-2026", text)
    assert (again.rows, again.taken, again.unchanged) == (4, 0, 3)
    with pytest.raises(InputError, match="apart from who gave them"):
        imported(register, tmp_path, "readers-2026", "contact;liked\n1;4\n")
    opened(register, key="named", identified=True)
    with pytest.raises(InputError, match="is missing: the contacts' numbers"):
        imported(register, tmp_path, "named", "liked\n4\n")
    named = imported(register, tmp_path, "named", "contact;liked\n1;4\n1;5\n77;5\n")
    assert (named.taken, named.unchanged, len(named.refused)) == (1, 1, 1)


def test_identified_answers_go_where_the_persons_data_goes(register: Register) -> None:
    named, apart = opened(register, key="named", identified=True), opened(register)
    for contact in (1, 2):
        answered(register, named, contact, words=f"canary{contact}x")
        answered(register, apart, contact)
    with reading(register.engine) as connection:
        told = dossier(connection, register.ring, Keeper({}, {}, {}), 1)["records"]
    (own,) = told["survey_answer"]
    assert own == {
        "survey": "Vad tycker du?",
        "answers": {**GIVEN_KEPT, "words": "canary1x"},
    }
    assert len(told["survey_taken"]) == 2
    assert "canary2x" not in str(told)
    with writing(register.engine) as connection:
        asked = requests.Asked(kind="erasure", came_by="operator", contact_id=1, evidence="letter")
        number = requests.open_request(connection, asked, TESTER)
    requests.identify(register.engine, number, requests.Identification("mailbox"), TESTER)
    erasure.erase(register.engine, register.ring, number, TESTER)
    left = rows(register, schema.survey_answer)
    assert sorted(it.contact_id or 0 for it in left) == [0, 0, 2]
    assert {it.contact_id for it in rows(register, schema.survey_taken)} == {2}


GIVEN_KEPT = {"liked": "4", "way": "post"}


def test_answers_go_when_their_time_is_over(register: Register) -> None:
    answered(register, opened(register), 1)
    statements = [one for kind, one in STEPS if kind == "feedback"]
    windows = Windows(dict.fromkeys((*MAPPED, *FURTHER), 365))
    for days, kept in ((364, 1), (366, 0)):
        with writing(register.engine) as connection:
            table = schema.survey
            connection.execute(sa.update(table).values(closes_at=utc_now() - timedelta(days=days)))
            for one in statements:
                for statement in one(Due(windows, utc_now())):
                    connection.execute(statement)
        assert len(rows(register, schema.survey_answer)) == len(rows(register, schema.survey_taken)) == kept
