"""Taking a backup of the register, while it is in use.

Promise: the copy is of one moment, and the manifest beside it names the epoch of that very moment; the folder is 0700,
its files 0600. Keys and passwords are in it only when they are asked for, in an archive of their own. That a backup was
taken, by whom and where to, is audited before it is. Fails with `RefusedOperation` for a folder that holds something
already, with `Unreachable` where the database or its programs fail; what was written until then is no backup.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from campaigns import __version__
from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.errors import RefusedOperation
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.identity import read_marks
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.migrate import newest_revision
from workers import backup_manifest, postgres_tools
from workers.backup_manifest import FileMark, Manifest
from workers.wiring import Installation

SQLITE_COPY: Final = "register.sqlite"
POSTGRES_COPY: Final = "register.dump"
SECRETS: Final = "secrets.tar"

State = tuple[str, int, int, tuple[tuple[str, int, str], ...]]


def take_backup(
    installation: Installation,
    folder: Path,
    principal: Principal,
    *,
    with_secrets: bool = False,
    tools: Path | None = None,
) -> Manifest:
    """Take a backup into an empty folder, or one that is not there yet.

    Raises:
        RefusedOperation: the folder holds something, or PostgreSQL's programs are not there.
        Unreachable: the database is away, or its programs fail.
    """
    demand(principal, Operation.BACKUP_TAKE)
    installation.ring  # noqa: B018 (no backup of a register whose keys are lost: it could not be used)
    engine = installation.engine
    postgres = engine.dialect.name == "postgresql"
    found_tools = postgres_tools.find_tools(engine, tools) if postgres else None
    _make_folder(folder)
    _audit(engine, folder, principal, with_secrets=with_secrets)
    if found_tools is not None:
        copy, state = folder / POSTGRES_COPY, _dump(engine, found_tools, folder / POSTGRES_COPY)
    else:
        copy, state = folder / SQLITE_COPY, _copy_sqlite(engine, folder / SQLITE_COPY)
    paths = [copy, *([_archive_secrets(installation, folder / SECRETS)] if with_secrets else [])]
    manifest = _manifest(installation, principal, state, paths)
    backup_manifest.write(folder, manifest)
    return manifest


def _manifest(
    installation: Installation, principal: Principal, state: State, paths: Sequence[Path]
) -> Manifest:
    register, epoch, claims, keys = state
    log = installation.settings.opt_out_file
    return Manifest(
        release=__version__,
        made_at=iso(utc_now()),
        made_by=principal.name,
        database=installation.engine.dialect.name,
        schema=newest_revision(),
        register=register,
        epoch=epoch,
        claims=claims,
        keys=keys,
        opt_out_log=backup_manifest.mark_of(log) if log.exists() else None,
        files={path.name: _settled(path) for path in paths},
    )


def _make_folder(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RefusedOperation(f"{folder} holds something already; a backup goes into a folder of its own")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _audit(engine: sa.Engine, folder: Path, principal: Principal, *, with_secrets: bool) -> None:
    told = {"folder": str(folder), "with_secrets": with_secrets}
    with writing(engine) as connection:
        audit.write(connection, audit.Entry(principal, "register:backup:take", [], "asked", None, told))


def _dump(engine: sa.Engine, tools: Path, target: Path) -> State:
    _make_private(target)
    with reading(engine.execution_options(isolation_level="REPEATABLE READ")) as connection:
        snapshot = connection.execute(sa.select(sa.func.pg_export_snapshot())).scalar_one()
        state = _state(connection)
        postgres_tools.dump(engine, tools, snapshot, target)
    return state


def _copy_sqlite(engine: sa.Engine, target: Path) -> State:
    _make_private(target)
    copy_sqlite(Path(engine.url.database or ""), target)
    copied = make_engine(f"sqlite:///{target}")
    try:
        with reading(copied) as connection:
            state = _state(connection)
    finally:
        copied.dispose()
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    return state


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database over another as one transaction, while both are in use."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target, timeout=10)) as new:
        old.backup(new)


def _state(connection: sa.Connection) -> State:
    gate, count = schema.gate.c, schema.claim_count.c
    row = connection.execute(sa.select(gate.incarnation, gate.epoch)).one()
    claims: int = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(count.claims), 0))).scalar_one()
    marks = tuple((mark.purpose, mark.key_id, mark.check_value) for mark in read_marks(connection))
    return row.incarnation, row.epoch, int(claims), marks


def _archive_secrets(installation: Installation, target: Path) -> Path:
    """Keys, passwords and signing keys as they lie in the secrets folder; the opt-out log is no secret."""
    folder, log = installation.settings.secrets_dir, installation.settings.opt_out_file
    _make_private(target)
    with tarfile.open(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path != log:
                archive.add(path, path.relative_to(folder).as_posix(), filter=_without_owner)
    return target


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _settled(path: Path) -> FileMark:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return backup_manifest.mark_of(path)


def told(manifest: Manifest) -> dict[str, Any]:
    """A manifest for people and programs, without the keys' marks."""
    names = ("made_at", "database", "schema", "register", "epoch", "claims")
    files = {name: mark.octets for name, mark in manifest.files.items()}
    return {**{name: getattr(manifest, name) for name in names}, "files": files}
