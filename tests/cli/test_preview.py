"""`utskick campaigns preview` writes what a contact would get, and nothing else happens."""

import json
import sqlite3
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.cli.place import Place

NEWSLETTER = str(ROOT / "examples" / "newsletter.toml")
PEOPLE = "company,first_name,last_name,email,language\nEk & Co,Åsa,Öhrn,asa@kund.example,sv\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("place"))
    made.answer("init")
    made.answer("lists", "add", "news", "--kind", "newsletter", "--name", "Nyheter från sågen")
    (made.folder / "people.csv").write_text(PEOPLE)
    origin = ("--list", "news", "--source", "fair", "--basis", "consent")
    assert made.answer("contacts", "import", "people.csv", *origin)["imported"] == 1
    return made


def test_a_contact_sees_their_own_message(place: Place, tmp_path: Path) -> None:
    (made,) = place.answer(
        "campaigns", "preview", NEWSLETTER, "--out", str(tmp_path), "--contact", "Asa@Kund.example"
    )["previews"]
    message = message_from_bytes(Path(made["eml"]).read_bytes(), policy=policy.default)
    assert message["To"] == "Åsa Öhrn <asa@kund.example>"
    assert message["Subject"] == made["subject"]
    assert message["List-Id"] == "<news.mail.nordhamn.example>"
    html, text = Path(made["html"]).read_text(), Path(made["text"]).read_text()
    assert "Nu berättar varje planka" in html
    assert "Se ett exempelpaket" in text
    assert "/u/preview" in text
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures
    assert all(f"pictures/{name}" in html for name in pictures)


def test_without_a_contact_there_is_one_of_every_language(place: Place, tmp_path: Path) -> None:
    made = place.answer("campaigns", "preview", NEWSLETTER, "--out", str(tmp_path / "new"))["previews"]
    assert [one["language"] for one in made] == ["sv", "fi", "en"]
    assert {path.suffix for path in (tmp_path / "new").iterdir()} == {".eml", ".html", ".txt", ""}


def test_nothing_is_kept(place: Place, tmp_path: Path) -> None:
    place.answer("campaigns", "preview", NEWSLETTER, "--out", str(tmp_path))
    with sqlite3.connect(place.folder / "var" / "utskick.db") as database:
        kept = [
            database.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("submission", "campaign")
        ]
    assert kept == [0, 0]


def test_a_bad_submission_names_all_its_faults(place: Place, tmp_path: Path) -> None:
    wrong = json.dumps({"campaign": {"key": "A B", "lists": ["gone"], "template": "gone", "kind": "zine"}})
    said = place.refusal(1, "campaigns", "preview", "-", "--out", str(tmp_path), given=wrong)
    assert {line.split(":")[0] for line in said} >= {
        "campaign.key",
        "campaign.kind",
        "campaign.edition",
        "campaign.lists.0",
        "campaign.template",
    }


def test_a_contact_that_is_not_there_is_named(place: Place, tmp_path: Path) -> None:
    command = ("campaigns", "preview", NEWSLETTER, "--out", str(tmp_path), "--contact")
    assert place.refusal(1, *command, "99") == ["there is no contact 99"]
    assert place.refusal(1, *command, "kim@kund.example") == ["there is no contact with this address"]
