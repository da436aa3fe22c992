"""PostgreSQL's own programs, which copy a database and put it back: `pg_dump`, `pg_restore`, `psql`.

Promise: a copy is of one snapshot; putting it back is one transaction, so that everything or nothing was done, and
`last` (statements) is part of it. Programs of the server's own major version are used: others may write what it cannot
read. A password goes by a file of mode 0600, never on a command line. Fails with `RefusedOperation` where the programs
are not there, with `Unreachable` where they fail.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from campaigns.errors import RefusedOperation, Unreachable

_PROGRAMS: Final = ("pg_dump", "pg_restore", "psql")
_INSTALLED: Final = Path("/usr/lib/postgresql")


def find_tools(engine: sa.Engine, given: Path | None) -> Path:
    """The folder of the programs: the given one, else one on this machine that fits the server.

    Raises:
        RefusedOperation: there is none.
        Unreachable: the server is away.
    """
    with engine.connect() as connection:
        wanted = (connection.dialect.server_version_info or (0,))[0]
    on_path = shutil.which(_PROGRAMS[0])
    candidates = (
        [given] if given else [*_INSTALLED.glob("*/bin"), *([Path(on_path).parent] if on_path else [])]
    )
    for folder in candidates:
        if _version(folder) == wanted:
            return folder
    raise RefusedOperation(
        f"{', '.join(_PROGRAMS)} of PostgreSQL {wanted} are needed; install its client, or name its folder by --tools"
    )


def _version(folder: Path) -> int:
    if not all((folder / program).exists() for program in _PROGRAMS):
        return 0
    said = subprocess.run(
        [folder / "pg_dump", "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"(\d+)(\.\d+|devel|beta|rc)", said)
    return int(found[1]) if found else 0


def dump(engine: sa.Engine, tools: Path, snapshot: str, target: Path) -> None:
    """Copy the database as one exported snapshot shows it, in the custom format.

    Raises:
        Unreachable: the copy failed.
    """
    with _connection(engine) as database:
        options = ["--format=custom", f"--snapshot={snapshot}", f"--file={target}", f"--dbname={database}"]
        done = subprocess.run([tools / "pg_dump", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unreachable(f"pg_dump: {_last_line(done.stderr)}")


def replace(engine: sa.Engine, tools: Path, source: Path, last: Sequence[str]) -> None:
    """Put a copy in place of everything in the database.

    Raises:
        RefusedOperation: the copy cannot be read; nothing was changed.
        Unreachable: it failed, for instance since others use the tables; nothing was changed.
    """
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    with (
        _connection(engine) as database,
        tempfile.TemporaryFile() as read_said,
        tempfile.TemporaryFile() as said,
    ):
        with (
            subprocess.Popen(
                [tools / "pg_restore", "--no-owner", "--no-privileges", "--file=-", source],
                stdout=subprocess.PIPE,
                stderr=read_said,
            ) as reader,
            subprocess.Popen(
                [tools / "psql", *options, f"--dbname={database}"], stdin=subprocess.PIPE, stderr=said
            ) as writer,
        ):
            whole = _pass_on(reader, writer, last)
        said.seek(0)
        problem = _last_line(said.read().decode(errors="replace"))
    if not whole and reader.returncode > 0:
        raise RefusedOperation(f"pg_restore cannot read {source}; nothing was changed")
    if writer.returncode:
        raise Unreachable(f"psql: {problem}; nothing was changed")


def _pass_on(reader: subprocess.Popen[bytes], writer: subprocess.Popen[bytes], last: Sequence[str]) -> bool:
    """Give the copy to the database, and the COMMIT only when all of it was read; whether it was."""
    assert reader.stdout is not None  # noqa: S101 (both are pipes)
    assert writer.stdin is not None  # noqa: S101 (as above)
    whole = False
    try:
        writer.stdin.write(_EMPTY_IT.encode())
        shutil.copyfileobj(reader.stdout, writer.stdin, 1 << 20)
        whole = reader.wait() == 0
        if whole:
            writer.stdin.write(
                "\n".join(["", *(f"{statement};" for statement in last), "COMMIT;", ""]).encode()
            )
        writer.stdin.close()
    except BrokenPipeError:  # the database refused something: its words tell what
        reader.kill()
    finally:
        reader.stdout.close()
        reader.wait()
    return whole


@contextmanager
def _connection(engine: sa.Engine) -> Iterator[str]:
    """How libpq finds the database, the password apart."""
    url = engine.url.set(drivername="postgresql")
    if not url.password:
        yield url.render_as_string(hide_password=False)
        return
    with tempfile.TemporaryDirectory() as folder:
        passwords = Path(folder) / "pgpass"
        descriptor = os.open(passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("*:*:*:*:" + re.sub(r"([\\:])", r"\\\1", str(url.password)) + "\n")
        bare = url._replace(password=None).update_query_dict({"passfile": str(passwords)})
        yield bare.render_as_string(hide_password=False)


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "no word of what went wrong"


_EMPTY_IT: Final = """
BEGIN;
SET LOCAL lock_timeout = '10s';
SET LOCAL client_min_messages = 'warning';
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP
        EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', found.name);
    END LOOP;
    FOR found IN
        SELECT oid::regprocedure AS name FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND prokind = 'f'
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', found.name);
    END LOOP;
END $$;
DROP SCHEMA IF EXISTS utskick_ledger CASCADE;
"""
