"""Backup, restore, and the drill: whoever said no after the backup gets nothing from what was restored."""

import json
import shutil
import tarfile
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.delivery import restart
from campaigns.errors import InputError, KeysFault, NotAllowed, RefusedOperation
from campaigns.principal import Level
from campaigns.register import access_tokens, accounts, objections, subscriptions
from campaigns.register.permit import answering_a_no
from campaigns.register.replay import replay
from campaigns.rights import erasure, requests
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.cli.place import Place as Commands
from tests.operations.place import KAJ, Place, made_place
from tests.support.postgres import client_programs, fresh_database
from tests.support.smtp_sink import SmtpSink
from workers.backup import take_backup
from workers.backup_manifest import Manifest, mark_of
from workers.restore import Restored, _unpack, restore
from workers.settings import load_settings
from workers.wiring import Installation

PEOPLE = 8


def tools(place: Place) -> Path | None:
    """Where PostgreSQL's programs lie, where they are needed."""
    if place.engine.dialect.name != "postgresql":
        return None
    return client_programs(place.environment["UTSKICK_DATABASE_URL"])


def backed_up(place: Place, folder: Path, *, with_secrets: bool = False) -> Manifest:
    """Take a backup."""
    return take_backup(place.installation, folder, KAJ, with_secrets=with_secrets, tools=tools(place))


def restored(place: Place, folder: Path, *, replacing: bool = True, with_secrets: bool = False) -> Restored:
    """Put it back."""
    return restore(
        place.installation, folder, KAJ, replacing=replacing, with_secrets=with_secrets, tools=tools(place)
    )


def unsubscribe(place: Place, address: str) -> None:
    """Leave the list `news`, as by the link in a message."""
    row = schema.contact.c
    with answering_a_no(place.engine) as connection:
        contact = connection.execute(sa.select(row.id).where(row.email == address)).scalar_one()
        wish = subscriptions.Unsubscription(contact, 1, "link", "one click")
        assert subscriptions.unsubscribe(connection, wish, KAJ)


def object_to_all(place: Place, address: str) -> None:
    """Object, as by a letter."""
    key = objections.address_key(place.installation.ring, parse_email(address))
    with answering_a_no(place.engine) as connection:
        no = objections.No("objection", key, objections.Scope(), "operator", "letter")
        assert objections.suppress(connection, no, KAJ)


def erase(place: Place, address: str) -> None:
    """Erase somebody who asked for it, as by a request whose sender was identified."""
    row = schema.contact.c
    with writing(place.engine) as connection:
        contact = connection.execute(sa.select(row.id).where(row.email == address)).scalar_one()
        asked = requests.Asked(kind="erasure", came_by="operator", contact_id=contact, evidence="letter")
        request = requests.open_request(connection, asked, KAJ)
    requests.identify(place.engine, request, requests.Identification("mailbox"), KAJ)
    erasure.erase(place.engine, place.installation.ring, request, KAJ)


def addresses(sink: SmtpSink) -> set[str]:
    """Who got something."""
    return {message.recipient for message in sink.messages}


def halted(place: Place) -> tuple[bool, bool]:
    """Whether everything is halted, and because of a restored backup."""
    found = restart.present_halt(place.engine)
    return found.halted, found.restored


def test_the_drill(place: Place, sink: SmtpSink, tmp_path: Path) -> None:
    place.people(PEOPLE)
    place.send(place.opened())
    assert len(sink.messages) == PEOPLE
    waiting = place.opened("waiting")
    object_to_all(place, "earlier@annan.example")
    folder = tmp_path / "backups" / "first"
    backed_up(place, folder)
    unsubscribe(place, "p1@kund.example")
    unsubscribe(place, "p2@kund.example")
    object_to_all(place, "p2@kund.example")
    object_to_all(place, "stranger@annan.example")
    erase(place, "p3@kund.example")

    assert restored(place, folder).log_is_whole
    assert halted(place) == (True, True)
    sink.messages.clear()
    place.send(waiting)
    assert sink.messages == []

    log = place.installation.settings.opt_out_file
    assert replay(place.engine, [log], KAJ).recorded >= 5
    assert restart.go(place.engine, KAJ).uncertain == PEOPLE
    place.send(place.opened("after"))
    assert addresses(sink) == {f"p{number}@kund.example" for number in (0, *range(4, PEOPLE))}
    assert place.show(waiting)["uncertain"] == PEOPLE
    assert [tag for _, tag in place.tags() if "backup" in tag] == [
        "register:backup:take",
        "register:backup:restore",
    ]


def test_nothing_that_was_taken_from_people_since_opens_anything(place: Place, tmp_path: Path) -> None:
    old, new, rules = "the first secret", "a secret of my own", accounts.PasswordRules()
    with writing(place.engine) as connection:
        for name in ("anna", "bo"):
            accounts.add(connection, accounts.NewAccount(name, Level.SENDER, old), KAJ)
    anna = accounts.prove(place.engine, "anna", old, rules, new_password=new)
    lasts = timedelta(days=1)
    with writing(place.engine) as connection:
        tokens = [
            access_tokens.log_in(connection, anna, lasts),
            access_tokens.issue(connection, access_tokens.NewToken("account:bo", lasts), KAJ),
        ]
    folder = tmp_path / "backup"
    backed_up(place, folder)
    with writing(place.engine) as connection:
        accounts.disable(connection, "account:anna", KAJ)
        access_tokens.revoke(connection, 2, KAJ)
    before = epoch(place)
    for _ in range(2):
        restored(place, folder)
        assert epoch(place) > before, (
            "a later word has a higher epoch than an earlier one, also after a restore"
        )
        before = epoch(place)
        with reading(place.engine) as connection:
            assert [access_tokens.bearer(connection, token) for token in tokens] == [None, None]
            assert access_tokens.listing(connection, KAJ) == []
        for name, password in (("anna", new), ("bo", old)):
            with pytest.raises(NotAllowed, match="wrong"):
                accounts.prove(place.engine, name, password, rules, new_password="another of my own")
    with writing(place.engine) as connection:
        accounts.set_first_password(connection, "account:bo", "given by the host", KAJ)
    bo = accounts.prove(place.engine, "bo", "given by the host", rules, new_password="another of my own")
    assert bo.level == Level.SENDER


def epoch(place: Place) -> int:
    """How far the register has come."""
    with reading(place.engine) as connection:
        found: int = connection.execute(sa.select(schema.gate.c.epoch)).scalar_one()
    return found


def test_no_number_is_given_twice(place: Place, tmp_path: Path) -> None:
    """An old link to somebody who came after the backup must not mean another."""
    place.people(2)
    folder = tmp_path / "backup"
    backed_up(place, folder)
    place.people(3, first=10)
    lost = _numbers(place)
    restored(place, folder)
    restart.go(place.engine, KAJ)
    place.people(3, first=20)
    assert not (_numbers(place) & lost) - {1, 2}
    assert place.submit("after") > (100 if place.engine.dialect.name == "postgresql" else 0)
    with reading(place.engine) as connection:
        assert (
            connection.execute(sa.text("SELECT count(*) FROM contact WHERE erased_at IS NULL")).scalar_one()
            == 5
        )


def _numbers(place: Place) -> set[int]:
    row = schema.contact.c
    with reading(place.engine) as connection:
        return set(connection.execute(sa.select(row.id).where(row.erased_at.is_(None))).scalars())


def test_a_backup_is_private_and_says_what_it_is(place: Place, tmp_path: Path) -> None:
    place.people(2)
    folder = tmp_path / "backup"
    manifest = backed_up(place, folder)
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600, 0o600]
    assert folder.stat().st_mode & 0o777 == 0o700
    with reading(place.engine) as connection:
        gate = connection.execute(sa.select(schema.gate)).one()
    assert (manifest.register, manifest.epoch) == (gate.incarnation, gate.epoch)
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    for key in (place.folder / "var" / "secrets").glob("*.key"):
        assert key.read_bytes().strip() not in content
    with pytest.raises(RefusedOperation, match="holds something"):
        backed_up(place, folder)


def test_what_must_not_be_restored_is_refused_and_changes_nothing(place: Place, tmp_path: Path) -> None:
    place.people(2)
    folder = tmp_path / "backup"
    backed_up(place, folder)
    place.people(1, first=7)
    with pytest.raises(RefusedOperation, match="--replace"):
        restored(place, folder, replacing=False)
    with pytest.raises(InputError, match="no backup"):
        restored(place, tmp_path)
    with pytest.raises(RefusedOperation, match="without --with-secrets"):
        restored(place, folder, with_secrets=True)
    for change, problem in ((_damage, "manifest"), (_grow_old, "newer release")):
        changed = tmp_path / change.__name__
        shutil.copytree(folder, changed)
        change(changed)
        with pytest.raises(RefusedOperation, match=problem):
            restored(place, changed)
    keys = place.folder / "var" / "secrets"
    shutil.move(keys, tmp_path / "away")
    with pytest.raises(KeysFault, match="secrets folder"):
        restored(place, folder)
    shutil.move(tmp_path / "away", keys)
    with writing(place.engine) as connection:
        connection.execute(sa.update(schema.gate).values(incarnation="another"))
    with pytest.raises(RefusedOperation, match="another register"):
        restored(place, folder)
    with reading(place.engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.contact)).scalar_one() == 3
    assert halted(place) == (False, False)


def _damage(folder: Path) -> None:
    copy = next(path for path in folder.iterdir() if path.name.startswith("register"))
    copy.write_bytes(copy.read_bytes()[:-1] + b"?")


def _grow_old(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema": "9999"}))


def test_a_copy_that_cannot_be_read_leaves_the_register_as_it_is(place: Place, tmp_path: Path) -> None:
    """The manifest fits, so that only the database's own programs can tell; then nothing was done either."""
    place.people(2)
    folder = tmp_path / "backup"
    manifest = backed_up(place, folder)
    copy = folder / next(iter(manifest.files))
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    told = json.loads((folder / "manifest.json").read_text())
    told["files"][copy.name] = asdict(mark_of(copy))
    (folder / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(RefusedOperation):
        restored(place, folder)
    with reading(place.engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.contact)).scalar_one() == 2
    assert halted(place) == (False, False)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_onto_another_machine_with_the_secrets(
    kind: str, sink: SmtpSink, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    here, there, folder = tmp_path / "here", tmp_path / "there", tmp_path / "backup"
    here.mkdir()
    there.mkdir()
    smarthost = f"smtp://127.0.0.1:{sink.port}"
    with made_place(here, request.getfixturevalue(f"{kind}_url"), smarthost) as place:
        place.people(2)
        backed_up(place, folder, with_secrets=True)
    with tarfile.open(folder / "secrets.tar") as archive:
        assert archive.getnames() == ["fingerprint-1.key", "token-1.key"]
    if kind == "sqlite":
        _arrive(there, f"sqlite:///{there / 'new.db'}", folder)
    else:
        with fresh_database(request.getfixturevalue("postgres_server")) as url:
            _arrive(there, url, folder)


@pytest.mark.parametrize("name", ["/tmp/token-1.key", "../token-1.key", "link"])
def test_an_archive_of_secrets_writes_nowhere_else(name: str, tmp_path: Path) -> None:
    archive, target = tmp_path / "secrets.tar", tmp_path / "p" / "secrets"
    with tarfile.open(archive, "w") as files:
        member = tarfile.TarInfo(name)
        member.type = tarfile.SYMTYPE if name == "link" else tarfile.REGTYPE
        member.linkname = "/etc/passwd"
        files.addfile(member)
    with pytest.raises(InputError, match="no file of a secrets folder"):
        _unpack(archive, target)
    assert list(target.iterdir()) == []
    assert not (tmp_path / "p" / "token-1.key").exists()


def _arrive(there: Path, url: str, folder: Path) -> None:
    """Onto a machine that has nothing yet."""
    shutil.copy(Path(__file__).parents[2] / "utskick.example.toml", there / "utskick.toml")
    environment = {"UTSKICK_DATABASE_URL": url}
    place = Place(Installation(load_settings(there, environment)), there, environment)
    with pytest.raises(KeysFault, match="secrets folder"):
        restored(place, folder, replacing=False)
    done = restored(place, folder, replacing=False, with_secrets=True)
    assert not done.log_is_whole
    assert halted(place) == (True, True)
    assert {path.stat().st_mode & 0o777 for path in (there / "var" / "secrets").iterdir()} == {0o600}
    place.engine.dispose()


def test_the_commands_say_what_comes_next(sqlite_url: str, tmp_path: Path) -> None:
    with made_place(tmp_path, sqlite_url, "smtp://127.0.0.1:1") as place:
        place.people(1)
        run = Commands(place.folder, place.environment)
        folder = tmp_path / "backup"
        assert list(run.answer("backup", str(folder))["files"]) == ["register.sqlite"]
        assert "--replace" in run.refusal(1, "restore", str(folder))[0]
        done = run.answer("restore", str(folder), "--replace")
        assert done["halted"]
        assert any("utskick suppressions replay" in step for step in done["next"])
        assert any("Review `utskick accounts list`" in step for step in done["next"])
        assert "--all-logs" in run.refusal(1, "go")[0]
        assert run.answer("go", "--all-logs")["restored"]
