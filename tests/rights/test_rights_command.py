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


def test_access_and_erasure_leave_nothing_behind(place: Place) -> None:
    place.answer("rights", "open", "access", "--contact", "1")
    assert "nobody has identified" in place.refusal(1, "rights", "disclose", "1", "--out", "package")[0]
    place.answer("rights", "identify", "1", "--how", "mailbox")
    assert "data.html" in place.answer("rights", "disclose", "1", "--out", "package")["files"]
    assert "exists" in place.refusal(1, "rights", "disclose", "1", "--out", "package")[0]
    package = place.folder / "package"
    assert (package.stat().st_mode & 0o777, (package / "data.json").stat().st_mode & 0o777) == (0o700, 0o600)
    assert ANNA in (package / "data.json").read_text()
    exports = place.folder / "var" / "exports"
    exports.mkdir(parents=True)
    place.answer("contacts", "export", str(exports / "all.csv"), "--to", "group", "--ground", "order 12")
    (exports / "other.csv").write_text("eva@kund.example")
    place.answer("rights", "open", "erasure", "--contact", "1")
    place.answer("rights", "identify", "2", "--how", "document", "--document", "passport")
    done = place.answer("rights", "erase", "2")
    assert (done["files"], done["to_be_told"], done["without_remnants"]) == ({"exports": 1}, 1, True)
    assert [path.name for path in exports.iterdir()] == ["other.csv"]
    (telling,) = place.answer("rights", "tellings")["tellings"]
    assert (telling["recipient"], telling["what"]) == ("Nordhamn Service Ab", "erasure")
    place.answer("rights", "told", str(telling["id"]), "--how", "mail of today")
    assert place.answer("rights", "show", "2")["tellings"][0]["told_how"] == "mail of today"
    assert place.answer("rights", "tellings", "--done")["tellings"][0]["id"] == telling["id"]
    assert "no contact 1" in place.refusal(1, "contacts", "edit", "1", "city=Vasa", "--evidence", "x")[0]


def test_rectification_restriction_and_incident_by_command(place: Place) -> None:
    for kind in ("rectification", "restriction"):
        place.answer("rights", "open", kind, "--contact", "1")
    for request in ("1", "2"):
        place.answer("rights", "identify", request, "--how", "in_person")
    assert place.answer("rights", "rectify", "1", "city=Vasa")["changed"] == ["city"]
    assert place.answer("rights", "restrict", "2")["to_be_told"] == 0
    assert place.answer("rights", "unrestrict", "1", "--informed", "2026-01-02")["lifted"] == 1
    assert "which sends" in place.refusal(1, "rights", "incident")[0]
    found = place.answer("rights", "incident", "--since", "2026-01-01", "--with-addresses", "people.txt")
    assert (found["people"], set(found["notices"])) == (0, {"sv", "fi", "en"})
    assert (place.folder / "people.txt").stat().st_mode & 0o777 == 0o600
