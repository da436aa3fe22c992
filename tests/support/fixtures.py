"""The fixtures that all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import migrated_file, migrated_template
from tests.support.network import close_network
from tests.support.postgres import fresh_database, running_server
from tests.support.valkey import flush, running_valkey


@pytest.fixture(scope="session", autouse=True)
def _closed_world() -> Iterator[None]:
    """No setting of the caller's shell reaches a test, and no test reaches the network."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("UTSKICK_")]:
            if name != "UTSKICK_TEST_DATABASE_URL":
                patch.delenv(name)
        close_network()
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server's maintenance database, one server per test process."""
    given = os.environ.pop("UTSKICK_TEST_DATABASE_URL", "")
    if given:
        yield given
        return
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a database at the present schema, for `fresh_database(…, template=…)`."""
    with migrated_template(postgres_server) as name:
        yield name


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A fresh PostgreSQL database at the present schema: `postgresql+psycopg://…`."""
    with fresh_database(postgres_server, template=postgres_template) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh PostgreSQL database without a table."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite file at the present schema: `sqlite:///…`."""
    return migrated_file(tmp_path / "utskick.sqlite")


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'utskick.sqlite'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database at the present schema, once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database without a table, once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"empty_{request.param}_url")
    return url


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The URL of a Valkey server, one per test process."""
    with running_valkey() as url:
        yield url


@pytest.fixture
def redis_url(valkey_server: str) -> str:
    """An empty Redis-protocol server: `unix:///…?db=0`."""
    flush(valkey_server)
    return valkey_server
