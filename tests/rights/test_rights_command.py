"""`utskick rights` on the example settings, from a request's coming to its answer."""

from pathlib import Path

import pytest

from tests.cli.place import Place

ANNA = "anna.lind@kund.example"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path, {"UTSKICK_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}"})
    made.answer("init")
    made.answer("lists", "add", "news", "--kind", "newsletter", "--name", "News")
    (tmp_path / "people.csv").write_text(
        f"email,first_name,last_name,language\n{ANNA},Anna,Lind,sv\n", "utf-8"
    )
    made.answer(
        "contacts", "import", "people.csv", "--list", "news", "--source", "fair", "--basis", "consent"
    )
    return made


def test_a_case_is_opened_by_address_extended_and_refused(place: Place) -> None:
    opened = place.answer("rights", "open", "access", "--address-from", "-", given=f"{ANNA.upper()}\n")
    assert (opened["contact_id"], opened["language"], opened["status"]) == (1, "sv", "received")
    assert place.answer("rights", "extend", "1", "--reason", "many archives")["due_on"] > opened["due_on"]
    assert [it["id"] for it in place.answer("rights", "list")["requests"]] == [1]
    assert place.answer("rights", "list", "--due", "3")["requests"] == []
    refused = place.answer("rights", "refuse", "1", "--ground", "excessive", "--reason", "varje dag")
    assert "domstol" in refused["letter"]
    assert place.answer("rights", "show", "1")["status"] == "refused"
    assert place.answer("rights", "list", "--figures", opened["received_at"][:4])["by_status"] == {
        "refused": 1
    }
    assert "is closed" in place.refusal(1, "rights", "identify", "1", "--how", "mailbox")[0]


def test_an_objection_binds_at_once(place: Place) -> None:
    stranger = "stranger@elsewhere.example"
    opened = place.answer("rights", "open", "objection", "--address-from", "-", given=stranger)
    assert opened["status"] == "fulfilled"
    assert place.answer("suppressions", "check", stranger)["suppressed"] is True
    assert place.answer("rights", "open", "objection", "--contact", "1")["status"] == "fulfilled"
    assert place.answer("suppressions", "check", ANNA)["suppressed"] is True


def test_what_is_wrong_is_told(place: Place) -> None:
    assert "one of them" in place.refusal(1, "rights", "open", "access")[0]
    assert "no contact 9" in place.refusal(1, "rights", "open", "access", "--contact", "9")[0]
    assert "no day" in place.refusal(1, "rights", "open", "access", "--contact", "1", "--received", "soon")[0]
    assert (
        "future"
        in place.refusal(1, "rights", "open", "access", "--contact", "1", "--received", "2199-01-01")[0]
    )
    place.answer("rights", "open", "access", "--contact", "1", "--received", "2026-01-31")
    assert place.answer("rights", "show", "1")["due_on"] == "2026-02-28"
    assert "kind of document" in place.refusal(1, "rights", "identify", "1", "--how", "document")[0]
