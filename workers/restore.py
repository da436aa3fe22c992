"""Putting a backup back. Afterwards everything is halted, until a person says go.

Promise: the database is the backup's, or as it was; in the very transaction that puts it back everything is halted as
after a restored backup, so that no process sends a message from it, no token and no password of then opens anything,
since they may have been revoked after it, and the numbers that people and campaigns got since are left out, so that
no old link means somebody else. Nothing is replayed by itself. A register that holds something is replaced only when
that is said, another register's never; keys that are not the backup's are refused before anything is changed. Fails
with `InputError`, `RefusedOperation` or `KeysFault` (nothing was changed), or with `Unreachable`: do it again, with
`--replace`.
"""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.delivery import restart
from campaigns.errors import InputError, KeysFault, RefusedOperation
from campaigns.keyfiles import read_keys
from campaigns.keyring import KeyMark, hold_against
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.migrate import migrate, newest_revision
from workers import backup_manifest, postgres_tools
from workers.backup import POSTGRES_COPY, SECRETS, SQLITE_COPY, copy_sqlite
from workers.backup_manifest import Manifest, mark_of
from workers.wiring import Installation

REASON: Final = "the register was restored from a backup"
#: Numbers that may have been given after the backup are not given again: links in messages name people by them.
#: Of campaigns only so many are left out as there are partitions ahead.
_LEAP: Final = {"contact": 1_000_000, "campaign": 100}
#: SQLite gives the number after the highest: that of a contact which is nobody.
_LEAP_SQLITE: Final = """
    INSERT INTO contact (id, key_id, created_at, created_by, updated_at, updated_by, erased_at)
    SELECT (SELECT max(id) FROM contact) + 1000000, 1, now, who, now, who, now
    FROM (SELECT strftime('%Y-%m-%d %H:%M:%S.000000', 'now') AS now, 'process:restore' AS who)
    WHERE EXISTS (SELECT 1 FROM contact)
"""
#: The epoch after a restore is higher than any that was reached before, also after an earlier restore of the same
#: backup: the opt-out logs tell by it which word came last. Nobody says no so often in a microsecond.
_EPOCHS_A_MICROSECOND: Final = 1_000
_CLOSING: Final = (
    "UPDATE gate SET halted = true, restored = true, halted_reason = '{reason}'",
    "UPDATE gate SET epoch = CASE WHEN epoch < {epoch} THEN {epoch} ELSE epoch + 1 END",
    "UPDATE access_token SET revoked_at = {now}, revoked_by = 'process:restore' WHERE revoked_at IS NULL",
    "UPDATE account SET password_hash = NULL, password_set_at = NULL, password_is_first = true",
)


@dataclass(frozen=True)
class Restored:
    """What was restored, and whether this machine's opt-out log still begins as it was when the backup was taken
    (False: words are missing from it; None: there was none)."""

    manifest: Manifest
    log_is_whole: bool | None


def restore(
    installation: Installation,
    folder: Path,
    principal: Principal,
    *,
    replacing: bool = False,
    with_secrets: bool = False,
    tools: Path | None = None,
) -> Restored:
    """Put a backup back.

    Raises:
        InputError, RefusedOperation, KeysFault: nothing was changed; see above.
        Unreachable: the database is away or its programs fail.
    """
    demand(principal, Operation.BACKUP_TAKE)
    manifest = backup_manifest.read(folder)
    engine = installation.engine
    if manifest.database != engine.dialect.name:
        raise RefusedOperation(
            f"the backup is of {manifest.database}, the database here is {engine.dialect.name}"
        )
    if manifest.schema > newest_revision():
        raise RefusedOperation(f"the backup was made by a newer release of Utskick ({manifest.release})")
    _look_at_what_is_there(engine, manifest, replacing=replacing)
    found_tools = postgres_tools.find_tools(engine, tools) if manifest.database == "postgresql" else None
    _bring_keys(installation, folder, manifest, with_secrets=with_secrets)
    engine.dispose()
    if found_tools is not None:
        postgres_tools.replace(engine, found_tools, folder / POSTGRES_COPY, _last_words(engine))
    else:
        _replace_sqlite(engine, folder / SQLITE_COPY)
    migrate(engine)
    _tell(engine, manifest, principal)
    return Restored(manifest, _log_is_whole(installation, manifest))


def _look_at_what_is_there(engine: sa.Engine, manifest: Manifest, *, replacing: bool) -> None:
    with reading(engine) as connection:
        tables = set(sa.inspect(connection).get_table_names())
        if not tables:
            return
        if not replacing:
            raise RefusedOperation("the database is not empty; say --replace to have the backup in its place")
        if {"gate", "contact"} <= tables:
            _refuse_another(connection, manifest)


def _refuse_another(connection: sa.Connection, manifest: Manifest) -> None:
    there = connection.execute(sa.select(schema.gate.c.incarnation)).scalar_one_or_none()
    inhabited = connection.execute(sa.select(sa.exists().where(schema.contact.c.id > 0))).scalar_one()
    if there not in {None, manifest.register} and inhabited:
        raise RefusedOperation(
            "another register lies in this database, and people are in it; it is never replaced"
        )


def _bring_keys(installation: Installation, folder: Path, manifest: Manifest, *, with_secrets: bool) -> None:
    """See that the keys here are those of the backup, having taken them out of it where that is wanted."""
    target = installation.settings.secrets_dir
    if with_secrets:
        if SECRETS not in manifest.files:
            raise RefusedOperation("the backup holds no secrets; it was taken without --with-secrets")
        if read_keys(target) is None:
            _unpack(folder / SECRETS, target)
    marks = [KeyMark(purpose, number, check) for purpose, number, check in manifest.keys]  # type: ignore[arg-type]  # checked below
    ring = read_keys(target)
    if ring is None:
        raise KeysFault(f"{target}: the keys of this register are not here; restore the secrets folder first")
    hold_against(ring, marks, target)


def _unpack(archive: Path, target: Path) -> None:
    """Unpack beside and move file by file, so that a cut archive leaves nothing that looks like a key."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as beside, tarfile.open(archive) as files:
        for member in files:
            _take_out(files, member, Path(beside))
        for path in sorted(Path(beside).rglob("*")):
            if path.is_file():
                place = target / path.relative_to(beside)
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.chmod(0o600)
                path.rename(place)


def _take_out(files: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """One plain file that stays within the folder. By hand: Python 3.11.2, which Debian 12 has, cannot filter."""
    name = PurePosixPath(member.name)
    content = files.extractfile(member) if member.isfile() else None
    if content is None or name.is_absolute() or ".." in name.parts:
        raise InputError(f"{SECRETS}: {member.name!r} is no file of a secrets folder; take another backup")
    place = folder / name
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.write_bytes(content.read())


def _last_words(engine: sa.Engine) -> list[str]:
    """What is done in the transaction that puts a backup back, in the schema that we use."""
    with reading(engine) as connection:
        name: str = connection.execute(sa.select(sa.func.current_schema())).scalar_one()
    leaps = [
        f"SELECT setval(pg_get_serial_sequence('\"{name}\".{table}', 'id'), coalesce(max(id), 0) + {numbers}) "  # noqa: S608 (our own schema's names)
        f'FROM "{name}".{table}'
        for table, numbers in _LEAP.items()
    ]
    return [*_closing(f'"{name}".', "now()"), *leaps]


def _closing(schema_name: str, now: str) -> list[str]:
    """The halt, and the end of whatever people and programs prove themselves with."""
    epoch = int(utc_now().timestamp() * 1_000_000) * _EPOCHS_A_MICROSECOND
    return [
        line.format(epoch=epoch, now=now, reason=REASON).replace("UPDATE ", f"UPDATE {schema_name}", 1)
        for line in _CLOSING
    ]


def _replace_sqlite(engine: sa.Engine, source: Path) -> None:
    target = Path(engine.url.database or "")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as beside:
        halted = Path(beside) / "halted"
        shutil.copyfile(source, halted)
        _halt_sqlite(halted, source)
        copy_sqlite(halted, target)


def _halt_sqlite(copy: Path, source: Path) -> None:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            sound = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            for statement in _closing("", "strftime('%Y-%m-%d %H:%M:%S.000000', 'now')"):
                connection.execute(statement)
            connection.execute(_LEAP_SQLITE)
            connection.commit()
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        raise RefusedOperation(f"{source} is no sound database; nothing was changed")


def _tell(engine: sa.Engine, manifest: Manifest, principal: Principal) -> None:
    restart.halt(engine, REASON, principal, restored=True)
    told = {"made_at": manifest.made_at, "epoch": manifest.epoch, "schema": manifest.schema}
    with writing(engine) as connection:
        audit.write(connection, audit.Entry(principal, "register:backup:restore", [], "asked", None, told))


def _log_is_whole(installation: Installation, manifest: Manifest) -> bool | None:
    was, log = manifest.opt_out_log, installation.settings.opt_out_file
    if was is None:
        return None
    return log.exists() and mark_of(log, was.octets) == was
