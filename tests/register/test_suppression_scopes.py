"""`utskick suppressions add` for companies, domains, lists and purposes: it also holds for people added later."""

import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.errors import GuardRefused, InputError
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading
from tests.register.tables import HEADS, PEOPLE, table
from tests.register.test_import_command import HOW, ROOT, utskick


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(ROOT / "utskick.example.toml", tmp_path / "utskick.toml")
    monkeypatch.chdir(tmp_path)
    utskick("init")
    utskick("lists", "add", "news", "--kind", "newsletter", "--name", "News")
    utskick("lists", "add", "other", "--kind", "newsletter", "--name", "Other", "--purpose", "events")
    capsys.readouterr()


def reasons(list_id: int, purpose: str) -> dict[str, str | None]:
    asked = Asked(sa.literal(list_id), sa.literal("email"), sa.literal(purpose))
    engine = make_engine(f"sqlite:///{Path('var/utskick.db').absolute()}")
    with reading(engine) as connection:
        rows = connection.execute(sa.select(schema.contact.c.email, withholding_reason(asked))).all()
    engine.dispose()
    return {email.split("@")[0]: reason for email, reason in rows}


def test_company_domain_list_and_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    said = ("--kind", "objection", "--evidence", "letter")
    utskick("suppressions", "add", "--company", "FI01120389", *said)
    utskick("suppressions", "add", "--company", "mill LTD", "--list", "other", *said)
    utskick("suppressions", "add", "--domain", "SAHA.example", "--purpose", "events", *said)
    capsys.readouterr()
    utskick("suppressions", "add", "--company", "FI01120389", *said, "--json")
    assert json.loads(capsys.readouterr().out) == {"recorded": False}
    Path("people.csv").write_text(table(HEADS, *PEOPLE))
    utskick("contacts", "import", "people.csv", *HOW)
    utskick("contacts", "import", "people.csv", "--list", "other", *HOW[2:])
    assert reasons(1, "marketing") == {"asa.oberg": "objection", "eero.kivela": None, "mia": None}
    assert reasons(2, "events") == {"asa.oberg": "objection", "eero.kivela": "objection", "mia": "objection"}
    with pytest.raises(InputError, match="one of them"):
        utskick("suppressions", "add", "a@b.example", "--domain", "b.example", *said)


def test_edit_and_export_from_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Path("people.csv").write_text(table(HEADS, *PEOPLE))
    utskick("contacts", "import", "people.csv", *HOW)
    utskick("contacts", "edit", "1", "last_name=Nyman", "city=", "--evidence", "letter")
    utskick("lists", "export", "news", "out.csv", "--to", "group")
    assert "Nyman" in (tmp_path / "out.csv").read_text()
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    utskick("contacts", "export", "-", "--to", "print-works", "--ground", "order 7", "--format", "jsonl")
    assert len(capsys.readouterr().out.splitlines()) == 3
    with pytest.raises(InputError, match="File exists"):
        utskick("contacts", "export", "out.csv", "--to", "self", "--ground", "moving house")
    with pytest.raises(GuardRefused, match="'Tryckeriet' is no declared recipient"):
        utskick("contacts", "export", "other.csv", "--to", "Tryckeriet", "--ground", "agreement 7")
    assert not Path("other.csv").exists()
