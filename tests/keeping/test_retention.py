"""Records go when their windows are over, what is held stays, what went is proven."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import accounts
from campaigns.delivery.control import cancel
from campaigns.errors import InputError, NotFound, RefusedOperation, SettingsError
from campaigns.planning.authority import Signing, author_faults
from campaigns.principal import SCHEDULER, Level, Principal
from campaigns.register import accounts as access
from campaigns.register import audit, audit_chain, audit_check
from campaigns.rights import holds
from campaigns.rights.holds import Held
from campaigns.rights.letting_go import STEPS
from campaigns.rights.retention import Report, Sweeper, sweep
from campaigns.rights.windows import FURTHER, MAPPED
from campaigns.store import data_map, partitions, schema
from campaigns.store.engine import make_engine, reading, writing
from tests.access.test_roles import give_roles
from tests.architecture.tree import ROOT
from tests.cli.place import Place as Commands
from tests.operations.place import KAJ, Place, made_place
from workers.settings import load_settings
from workers.settings_retention import Retention
from workers.sweeping import Sweeping, sweep_files, sweeper

LONG_AFTER = utc_now() + timedelta(days=365 * 30)


def swept(place: Place, *, dry_run: bool = False, now: datetime = LONG_AFTER, by: Principal = KAJ) -> Report:
    """Sweep as if it were long after."""
    found = sweep(sweeper(place.installation), by, now=now, dry_run=dry_run)
    assert found is not None
    return found


def count(place: Place, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    """How many rows there are."""
    with reading(place.engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one()


def add(place: Place, table: sa.Table, **values: object) -> None:
    """Put a row in, behind everybody's back."""
    with writing(place.engine) as connection:
        connection.execute(sa.insert(table).values(**values))


def test_every_kind_of_record_has_a_window() -> None:
    """To mend it: add the window to `[retention]`, to the example and to docs/retention.md, and say what goes."""
    names = {name.removesuffix("_days") for name in Retention.model_fields}
    assert names == {*MAPPED, *FURTHER}
    kept = {record.retention for record in data_map.records(schema.metadata).values()}
    assert kept <= {kind for kind, _ in STEPS} | {"deliveries"}
    page = (ROOT / "docs" / "retention.md").read_text()
    assert [name for name in names if f"`{name}_days`" not in page] == []


@pytest.mark.parametrize("name", Retention.model_fields)
def test_nothing_starts_without_a_window(name: str, tmp_path: Path) -> None:
    example = (ROOT / "utskick.example.toml").read_text().splitlines()
    kept = [line for line in example if not line.startswith(f"{name} =")]
    (tmp_path / "utskick.toml").write_text("\n".join(kept))
    with pytest.raises(SettingsError, match=f"retention.{name}"):
        load_settings(tmp_path, {})


def everything(place: Place) -> None:
    """Put one due record of each kind in."""
    old = datetime(2020, 5, 4, tzinfo=UTC)
    said = {"source": "crm", "recorded_at": old, "recorded_by": "process:test", "contact_id": 1}
    add(place, schema.event, kind="purchase", at=old, event_id="1", about="boots", **said)
    add(
        place, schema.event, kind="call_recording", at=utc_now(), event_id="2", reference="tape 7",
        reason="proof", until=utc_now() + timedelta(days=900), **said,
    )  # fmt: skip
    add(
        place, schema.feedback_event, source="mail", event_id="m1", kind="hard_bounce", campaign_id=1, number=1,
        diagnostic="no such user", received_at=old, verified=True, consequence="recorded", raw="550",
        about_key=b"k",
    )  # fmt: skip
    add(
        place, schema.feedback_case, kind="stop", contact_id=1, about="1", evidence="mail", opened_at=old,
        closed_at=old, closed_by="os:kaj",
    )  # fmt: skip
    add(place, schema.parked_mail, digest="d", kind="reply", octets=3, received_at=old, raw=b"raw")
    add(
        place, schema.suppression, kind="manual", subject="address", subject_key=b"k", key_id=1, origin="operator",
        evidence="letter", recorded_at=old, recorded_by="os:kaj", lifted_at=old, lifted_by="os:kaj",
    )  # fmt: skip
    add(
        place, schema.submission, submission_id="s", digest="d", status="refused", submitted_by="crm",
        received_at=old, document={}, faults=[],
    )  # fmt: skip
    made = {"created_at": old, "created_by": "os:kaj"}
    add(
        place, schema.account, id=7, name="kim", kind="account", level="reader", password_is_first=True, failures=0,
        disabled_at=old, disabled_by="os:kaj", **made,
    )  # fmt: skip
    expires = old + timedelta(days=1)
    add(place, schema.access_token, account_id=7, digest=b"d", purpose="api", expires_at=expires, **made)
    with writing(place.engine) as connection:
        audit.write(
            connection, audit.Entry(KAJ, "contact:contact:correct", ["contact:1"], "", {"city": "Åbo"})
        )


def test_what_is_due_goes_and_is_proven(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.people(3)
    everything(place)
    expected = swept(place, dry_run=True)
    assert count(place, schema.event) == 2
    assert count(place, schema.retention_sweep) == 0
    with monkeypatch.context() as clock:
        clock.setattr(audit, "utc_now", lambda: LONG_AFTER)  # no entry tells of what is younger than it
        report = swept(place)
    assert report.plain() == expected.plain()
    assert report.gone.keys() >= {
        *("events", "raw_mail", "feedback", "parked_mail", "suppressions", "submissions", "audit"),
    }
    assert count(place, schema.event) == 0
    assert count(place, schema.suppression) == 0
    assert count(place, schema.submission) == 0
    assert count(place, schema.feedback_case) == 0
    assert count(place, schema.access_token) == 0
    with reading(place.engine) as connection:
        account = connection.execute(sa.select(schema.account)).one()
        assert (account.kind, account.name, account.level, account.password_hash) == (
            "account",
            "kim",
            None,
            None,
        )
        assert account.disabled_at is not None
        event = connection.execute(sa.select(schema.feedback_event)).one()
        assert (event.campaign_id, event.kind, event.number, event.raw) == (1, "hard_bounce", None, None)
        assert event.event_id.startswith("gone:")
        assert connection.execute(sa.select(schema.parked_mail.c.raw)).scalar_one() is None
        kept = connection.execute(sa.select(schema.retention_sweep.c.report)).scalar_one()
    assert kept == report.plain()
    assert count(place, schema.audit_value, schema.audit_value.c.new.is_not(None)) == 1
    assert ("os:kaj", "register:retention:sweep") in place.tags()
    audit_chain.seal(place.installation.sealer)
    assert audit_check.verify(place.installation.sealer).problems == []
    later = LONG_AFTER + timedelta(days=365 * 30)
    assert swept(place, now=later).gone == {"audit": 1}, "a second sweep finds only what proves the first"


def test_nothing_goes_before_its_time(place: Place) -> None:
    place.people(2)
    assert swept(place, now=utc_now()).gone == {}


def test_what_is_held_stays_until_the_hold_is_lifted(place: Place) -> None:
    place.people(2)
    everything(place)
    with writing(place.engine) as connection:
        contact = holds.place(connection, Held(contact=1), "claim 17/2026", KAJ)
        kind = holds.place(connection, Held(kind="submissions"), "request of the authority", KAJ)
        assert [row["id"] for row in holds.standing(connection)] == [contact, kind]
    report = swept(place)
    assert report.held == ("submissions",)
    assert count(place, schema.event) == 2
    assert count(place, schema.feedback_case) == 1
    assert count(place, schema.submission) == 1
    value = schema.audit_value.c
    assert count(place, schema.audit_value, value.contact_id == 1, value.redacted_at.is_(None)) > 0
    with writing(place.engine) as connection:
        holds.lift(connection, contact, KAJ)
        holds.lift(connection, kind, KAJ)
        with pytest.raises(NotFound):
            holds.lift(connection, kind, KAJ)
    swept(place)
    assert count(place, schema.event) == count(place, schema.submission) == 0


@pytest.mark.parametrize("held", [Held(), Held(contact=1, kind="audit")])
def test_a_hold_is_about_one_thing_and_says_why(small_place: Place, held: Held) -> None:
    with pytest.raises(InputError), writing(small_place.engine) as connection:
        holds.place(connection, held, "claim", KAJ)
    with pytest.raises(InputError), writing(small_place.engine) as connection:
        holds.place(connection, Held(contact=1), " ", KAJ)


def closed(place: Place, name: str) -> int:
    """A campaign that was sent and is completed."""
    campaign = place.opened(name)
    place.send(campaign)
    assert accounts.show(place.engine, campaign)["pending"] == 0
    add_close = sa.update(schema.campaign).where(schema.campaign.c.id == campaign)
    with writing(place.engine) as connection:
        connection.execute(add_close.values(status="completed", closed_at=utc_now()))
    return campaign


def test_a_campaigns_accounts_are_the_same_when_its_rows_are_gone(place: Place) -> None:
    place.people(4)
    first, second = closed(place, "first"), closed(place, "second")
    under_way = place.opened("third")
    shown = place.show(first), place.show(second)
    assert shown[0]["accepted"] == 4
    with writing(place.engine) as connection:
        hold = holds.place(connection, Held(campaign=second), "claim", KAJ)
        holds.place(connection, Held(contact=3), "claim", KAJ)
    assert swept(place).gone["deliveries"] == 3
    row = schema.delivery.c
    assert count(place, schema.delivery, row.campaign_id == first) == 1, "of the contact under a hold"
    assert count(place, schema.attempt, schema.attempt.c.campaign_id == first) == 1
    assert count(place, schema.delivery, row.campaign_id == second) == 4
    assert count(place, schema.delivery, row.campaign_id == under_way) == 4
    assert (place.show(first), place.show(second)) == shown
    with writing(place.engine) as connection:
        holds.lift(connection, hold, KAJ)
    assert swept(place).gone["deliveries"] == 3
    assert (place.show(first), place.show(second)) == shown
    assert swept(place).gone["deliveries"] == 0
    cancel(place.engine, under_way, KAJ)


def test_accounts_follow_what_becomes_of_a_row_that_a_hold_kept(place: Place) -> None:
    place.people(3)
    campaign = closed(place, "first")
    row, held = schema.delivery, Held(contact=3)
    doubt = sa.update(row).where(row.c.campaign_id == campaign, row.c.contact_id == 3)
    with writing(place.engine) as connection:
        connection.execute(doubt.values(status="uncertain"))
        hold = holds.place(connection, held, "claim", KAJ)
    assert swept(place).gone["deliveries"] == 2
    with writing(place.engine) as connection:
        connection.execute(doubt.values(status="accepted"))
        holds.lift(connection, hold, KAJ)
    shown = place.show(campaign)
    assert (shown["recipients"], shown["accepted"], shown["uncertain"]) == (3, 3, 0)
    assert swept(place).gone["deliveries"] == 1
    assert place.show(campaign) == shown


def test_a_partition_that_is_over_is_dropped(postgres_url: str, tmp_path: Path) -> None:
    with made_place(tmp_path, postgres_url, f"file:{tmp_path / 'out'}") as place:
        place.people(3)
        campaign = closed(place, "first")
        shown = place.show(campaign)
        newer = sa.text(f"SELECT setval('campaign_id_seq', {partitions.CAMPAIGNS})")
        with writing(place.engine) as connection:
            connection.execute(newer)
        partitions.make_ahead(place.engine, partitions.CAMPAIGNS + 1)
        later = closed(place, "later")
        assert later > partitions.CAMPAIGNS
        with writing(place.engine) as connection:
            hold = holds.place(connection, Held(campaign=later), "claim", KAJ)
        assert swept(place).gone["deliveries"] == 3
        with reading(place.engine) as connection:
            gone = sa.func.to_regclass(partitions.partition("delivery", campaign))
            assert connection.execute(sa.select(gone)).scalar_one() is None
            holds_one = sa.func.to_regclass(partitions.partition("delivery", later))
            assert connection.execute(sa.select(holds_one)).scalar_one() is not None
        assert place.show(campaign) == shown
        assert hold


def test_people_on_no_list_go_whole_and_everybody_else_stays(place: Place) -> None:
    place.people(4, last_name="Ek")
    contact, on_list = schema.contact.c, schema.subscription
    with writing(place.engine) as connection:
        numbers = connection.execute(sa.select(contact.id).order_by(contact.id)).scalars().all()
        leaving = sa.update(on_list).values(status="unsubscribed")
        connection.execute(leaving.where(on_list.c.contact_id != numbers[0]))
        held = holds.place(connection, Held(contact=numbers[1]), "claim", KAJ)
    soon, later = utc_now() + timedelta(days=30), utc_now() + timedelta(days=1100)
    add(
        place, schema.event, kind="purchase", at=later, source="crm", event_id="1", contact_id=numbers[2],
        recorded_at=later, recorded_by="process:test",
    )  # fmt: skip
    assert swept(place, now=soon).gone["contacts"] == 0
    assert swept(place, now=later, dry_run=True).gone["contacts"] == 1
    assert swept(place, now=later, by=SCHEDULER).gone["contacts"] == 1
    with reading(place.engine) as connection:
        rows = connection.execute(sa.select(contact.id, contact.email, contact.erased_at)).all()
    kept = schema.audit_value.c
    assert count(place, schema.audit_value, kept.contact_id == numbers[3], kept.new.is_not(None)) == 0
    gone = {row.id for row in rows if row.erased_at is not None}
    assert gone == {row.id for row in rows if row.email is None} == {numbers[3]}
    assert count(place, on_list, on_list.c.contact_id == numbers[3]) == 0
    assert count(place, schema.suppression) == 0, "nobody said no"
    assert ("process:scheduler", "contact:register:expire") in place.tags()
    with writing(place.engine) as connection:
        holds.lift(connection, held, KAJ)
    assert swept(place, now=later).gone["contacts"] == 1
    assert audit_check.verify(place.installation.sealer).problems == []


def test_a_role_that_may_not_let_go_of_something_tells_so_and_lets_go_of_the_rest(
    postgres_url: str, tmp_path: Path
) -> None:
    with made_place(tmp_path, postgres_url, f"file:{tmp_path / 'out'}") as place:
        place.people(1)
        everything(place)
        engine = make_engine(give_roles(place.engine)["scheduler"])
        limited = Sweeper(engine, place.installation.ring, sweeper(place.installation).windows)
        report = sweep(limited, SCHEDULER, now=LONG_AFTER)
        engine.dispose()
        assert report is not None
        assert "accounts" in report.refused
        assert report.gone.keys() >= {"events", "feedback", "suppressions", "submissions", "audit"}
        assert count(place, schema.event) == 0
        assert count(place, schema.account) == 1
        assert swept(place).gone["accounts"] == 2


def test_the_name_of_somebody_who_left_is_not_taken_for_a_strangers(place: Place) -> None:
    """Else a disabled service could submit again, as one that has no account, or its name be given anew."""
    wanted = access.NewAccount("shop", Level.SENDER, kind="service")
    document = {"submitted_by": "service:shop", "submission_id": "x"}
    with writing(place.engine) as connection:
        access.add(connection, wanted, KAJ)
        assert access.disable(connection, "service:shop", KAJ)
    assert swept(place).gone["accounts"] == 1
    with reading(place.engine) as connection:
        assert author_faults(connection, document, Signing())
        (row,) = access.listing(connection, KAJ)
        assert (row["account"], row["level"]) == ("service:shop", None)
    with writing(place.engine) as connection, pytest.raises(RefusedOperation, match="used again"):
        access.add(connection, wanted, KAJ)


def test_the_daily_sweep_is_one_whoever_leads(place: Place) -> None:
    place.people(1)
    one, other = Sweeping(place.installation), Sweeping(place.installation)
    for sweeping in (one, other, one):
        sweeping.look(leads=True)
    with reading(place.engine) as connection:
        days = connection.execute(sa.select(schema.retention_sweep.c.day)).scalars().all()
    assert len(days) == 1


def test_files_beside_the_database_go_too(small_place: Place) -> None:
    settings = small_place.installation.settings
    exports = settings.data_dir / "exports" / "autumn.csv"
    exports.parent.mkdir(parents=True)
    exports.write_text("a")
    left = settings.data_dir / "journal" / "gone" / "x.journal"
    left.parent.mkdir(parents=True)
    left.write_text("x")
    assert sweep_files(small_place.installation) == {}
    assert sweep_files(small_place.installation, now=LONG_AFTER, dry_run=True) == {
        "exports": 1,
        "journals": 1,
    }
    assert exports.exists()
    assert sweep_files(small_place.installation, now=LONG_AFTER) == {"exports": 1, "journals": 1}
    assert not exports.exists()
    assert not left.exists()


def test_the_commands(sqlite_url: str, tmp_path: Path) -> None:
    with made_place(tmp_path, sqlite_url, "smtp://127.0.0.1:1") as place:
        place.people(1)
        run = Commands(place.folder, place.environment)
        assert run.answer("retention", "sweep", "--dry-run")["gone"] == {}
        hold = run.answer("retention", "hold", "add", "--contact", "1", "--reason", "claim")["hold"]
        assert [row["contact_id"] for row in run.answer("retention", "hold", "list")["holds"]] == [1]
        assert run.answer("retention", "hold", "lift", str(hold)) == {"lifted": hold}
        assert run.answer("retention", "sweep")["gone"] == {}
        assert len(run.answer("retention", "report")["sweeps"]) == 1
        assert run.answer("retention", "windows")["days"]["parked_mail"] == 30
