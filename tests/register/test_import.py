from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.errors import InputError
from campaigns.keyfiles import make_keys
from campaigns.keyring import KeyRing
from campaigns.register import audit_reading, intake, objections, subscriptions
from campaigns.register.intake import import_contacts
from campaigns.register.permit import answering_a_no
from campaigns.register.subscriptions import Unsubscription
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.register.tables import (
    HEADS,
    PEOPLE,
    added_list,
    counts,
    imported,
    person,
    request,
    subscribed,
    table,
)
from tests.support.register import TESTER, Register

ASA = "asa.oberg@sagen.example"


@pytest.fixture(params=[1, 2000], ids=["chunks of one row", "one chunk"])
def _any_chunk(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "CHUNK_ROWS", request.param)
        yield


def test_takes_people_with_company_position_subscription_basis_origin_and_audit(
    register: Register, tmp_path: Path
) -> None:
    heads, rows = (*HEADS, "position"), [(*row, "Chef") for row in PEOPLE]
    report = imported(register, tmp_path / "people.csv", table(heads, *rows), evidence="list of 3 May")
    assert counts(report) == (3, 0, 0, 0)
    found = person(register, ASA)
    assert (found["first_name"], found["last_name"], found["language"]) == ("Åsa", "Öberg", "sv")
    assert found["works"] == [("Sågen Ab", "0112038-9", "Chef")]
    assert subscribed(register, ASA) == "subscribed"
    with reading(register.engine) as connection:
        intakes = connection.execute(sa.select(schema.intake)).mappings().all()
        origin = connection.execute(
            sa.select(schema.provenance).where(schema.provenance.c.contact_id == found["id"])
        ).one()
        basis = connection.execute(
            sa.select(schema.contact_basis).where(schema.contact_basis.c.contact_id == found["id"])
        ).one()
        entry = connection.execute(
            sa.select(schema.audit).where(schema.audit.c.tag == "contact:register:import")
        ).one()
    assert len(intakes) == 1
    assert (intakes[0]["source"], intakes[0]["source_class"]) == ("trade fair", "company")
    assert origin.row == 2
    assert set(origin.fields) == {
        "email",
        "first_name",
        "last_name",
        "language",
        "city",
        "position",
        "subscription",
        "basis",
    }
    assert (basis.purpose, basis.basis, basis.intake_id) == ("marketing", "consent", intakes[0]["id"])
    assert f"contact:{found['id']}" in entry.subjects
    with reading(register.engine) as connection:
        told = audit_reading.entries(connection, audit_reading.Wanted(tag=entry.tag), TESTER)
    assert [it["evidence"] for it in told] == ["list of 3 May"]


@pytest.mark.usefixtures("_any_chunk")
def test_the_same_file_again_changes_nothing(register: Register, tmp_path: Path) -> None:
    doubled = ("Sågen Ab", "0112038-9", "Åsa Maria", "Öberg", "ASA.OBERG@Sagen.example", "fi", "Vasa")
    elsewhere = ("Annat Ab", "", "", "", ASA, "", "")
    text = table(HEADS, *PEOPLE, doubled, elsewhere, ("", "", "X", "Y", "no address", "", ""))
    assert counts(imported(register, tmp_path / "people.csv", text)) == (3, 1, 1, 1)
    before = register.contents()
    assert counts(imported(register, tmp_path / "people.csv", text)) == (0, 0, 5, 1)
    assert register.contents() == before
    found = person(register, ASA)
    assert (found["first_name"], found["city"], found["language"]) == ("Åsa", "Jakobstad", "sv")
    assert [work[0] for work in found["works"]] == ["Sågen Ab", "Annat Ab"]


@pytest.mark.usefixtures("_any_chunk")
def test_people_without_address_are_one_by_name_and_street(register: Register, tmp_path: Path) -> None:
    heads = ("first_name", "last_name", "street", "postal_code", "city", "email")
    by_mail = ("Åsa", "Öberg", "Gatan 1", "65100", "Vasa", ASA)
    by_post = ("åsa", "ÖBERG ", " Gatan  1", "65100", "VASA", "")
    neighbour = ("Eva", "Öberg", "Gatan 1", "65100", "Vasa", "")
    text = table(heads, by_mail, by_post, neighbour, neighbour)
    assert imported(register, tmp_path / "people.csv", text).imported == 2
    before = register.contents()
    assert counts(imported(register, tmp_path / "people.csv", text)) == (0, 0, 4, 0)
    assert register.contents() == before


def test_a_later_file_corrects_and_blank_cells_erase_nothing(register: Register, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    imported(register, path, table(HEADS, *PEOPLE))
    later = ("Sågen Ab", "0112038-9", "Åsa", "Nyman", ASA, "", "")
    assert counts(imported(register, path, table(HEADS, later))) == (0, 1, 0, 0)
    found = person(register, ASA)
    assert (found["last_name"], found["language"], found["city"]) == ("Nyman", "sv", "Jakobstad")
    with reading(register.engine) as connection:
        entry, values = schema.audit, schema.audit_value
        kept = connection.execute(
            sa.select(values.c.old, values.c.new)
            .join(entry, entry.c.id == values.c.audit_id)
            .where(entry.c.tag == "contact:register:import")
        ).all()
        origins = (
            connection.execute(
                sa.select(schema.provenance.c.fields)
                .where(schema.provenance.c.contact_id == found["id"])
                .order_by(schema.provenance.c.intake_id)
            )
            .scalars()
            .all()
        )
    told = [(row.old, row.new) for row in kept if row.old is not None or row.new is not None]
    assert told == [({"last_name": "Öberg"}, {"last_name": "Nyman"})]
    assert origins[1] == ["last_name"]


def test_bad_rows_are_refused_by_number_and_the_rest_goes_on(register: Register, tmp_path: Path) -> None:
    rows = [PEOPLE[0], ("", "", "A", "B", "abuse@kund.example", "", ""), ("x",) * 9, PEOPLE[1], ("",) * 7]
    report = imported(register, tmp_path / "people.csv", table(HEADS, *rows))
    assert counts(report) == (2, 0, 0, 2)
    assert [refusal["row"] for refusal in report.refused] == [3, 4]
    assert "must not be subscribed" in report.refused[0]["reason"]
    assert "9 cells" in report.refused[1]["reason"]


@pytest.mark.usefixtures("_any_chunk")
def test_a_dry_run_counts_the_same_and_writes_nothing(register: Register, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    imported(register, path, table(HEADS, PEOPLE[0]))
    text = table(
        HEADS, ("", "", "Ann", "", ASA, "", ""), *PEOPLE[1:], PEOPLE[1], ("", "", "", "", "x", "", "")
    )
    before = register.contents()
    rehearsed = imported(register, path, text, dry_run=True)
    assert register.contents() == before
    assert counts(rehearsed) == counts(imported(register, path, text)) == (2, 1, 1, 1)


def test_undeclared_columns_stop_the_import_before_it_begins(register: Register, tmp_path: Path) -> None:
    before_lists = added_list(register)
    before = register.contents()
    with pytest.raises(InputError, match="'shoe size': is not declared"):
        imported(register, tmp_path / "people.csv", table(("email", "shoe size"), ("a@b.example", "43")))
    assert before_lists.key == "news"
    assert register.contents() == before


def test_a_source_must_be_named(register: Register, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--source"):
        imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE), source=" ")


def _leave(register: Register, address: str) -> None:
    wish = Unsubscription(person(register, address)["id"], added_list(register).id, "link", "")
    with answering_a_no(register.engine) as connection:
        subscriptions.unsubscribe(connection, wish, TESTER)


def test_who_left_the_list_stays_away_and_may_still_be_corrected(register: Register, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    imported(register, path, table(HEADS, *PEOPLE))
    _leave(register, ASA)
    report = imported(register, path, table(HEADS, ("", "", "Åsa", "Ny", ASA, "", "")))
    assert counts(report) == (0, 1, 0, 0)
    assert report.not_subscribed == 1
    assert subscribed(register, ASA) == "unsubscribed"


@pytest.mark.parametrize("kind", ["objection", "manual", "complaint", "restricted"])
def test_who_said_no_before_is_never_subscribed(
    register: Register, tmp_path: Path, kind: objections.SuppressionKind
) -> None:
    with answering_a_no(register.engine) as connection:
        key = objections.address_key(register.ring, parse_email("Asa.Oberg@SAGEN.example"))
        objections.suppress(connection, objections.No(kind, key, objections.Scope(), "letter", ""), TESTER)
    report = imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    assert report.not_subscribed == 1
    assert subscribed(register, ASA) == "unsubscribed"
    assert subscribed(register, "mia@mill.example") == "subscribed"


def test_an_erased_person_comes_back_unsubscribed(register: Register, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    imported(register, path, table(HEADS, *PEOPLE))
    _leave(register, ASA)
    blank = dict.fromkeys(("first_name", "last_name", "email", "email_key", "domain_key", "postal_key"))
    with writing(register.engine) as connection:
        connection.execute(
            sa.update(schema.contact)
            .where(schema.contact.c.id == person(register, ASA)["id"])
            .values(**blank, erased_at=person(register, ASA)["created_at"])
        )
    report = imported(register, path, table(HEADS, *PEOPLE))
    assert counts(report) == (1, 0, 2, 0)
    assert subscribed(register, ASA) == "unsubscribed"


def test_a_no_under_an_older_key_still_holds_and_is_written_under_the_present_one(
    register: Register, tmp_path: Path
) -> None:
    with answering_a_no(register.engine) as connection:
        key = objections.address_key(register.ring, parse_email(ASA))
        objections.suppress(
            connection, objections.No("objection", key, objections.Scope(), "letter", ""), TESTER
        )
    newer = make_keys(tmp_path / "newer").keys
    ring = KeyRing(
        {
            "fingerprint": {
                **register.ring.keys["fingerprint"],
                2: next(iter(newer["fingerprint"].values())),
            },
            "token": register.ring.keys["token"],
        }
    )
    path = tmp_path / "people.csv"
    path.write_text(table(HEADS, *PEOPLE))
    report = import_contacts(register.engine, ring, request(register, path), TESTER)
    assert report.not_subscribed == 1
    with reading(register.engine) as connection:
        ids = connection.execute(sa.select(schema.suppression.c.key_id)).scalars().all()
    assert sorted(ids) == [1, 2]
    again = import_contacts(register.engine, ring, request(register, path), TESTER)
    assert counts(again) == (0, 0, 3, 0)


def test_a_second_basis_is_kept_beside_the_first(register: Register, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    imported(register, path, table(HEADS, *PEOPLE))
    assert counts(imported(register, path, table(HEADS, *PEOPLE), basis="contract")) == (0, 3, 0, 0)
    with reading(register.engine) as connection:
        bases = connection.execute(
            sa.select(schema.contact_basis.c.basis).where(
                schema.contact_basis.c.contact_id == person(register, ASA)["id"]
            )
        ).scalars()
        assert sorted(bases) == ["consent", "contract"]
