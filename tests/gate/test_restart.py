"""Halt, go, and what a restored backup means."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

from campaigns.delivery import ledger, restart
from campaigns.delivery.ledger import BatchRef
from campaigns.errors import GateClosed
from campaigns.register.permit import PERMIT_MS, answering_a_no
from campaigns.register.suppression import Gate
from campaigns.register.witness import Witness
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.postgres import administer, dsn
from tests.support.register import CAMPAIGN, MOMENT, TESTER, UNATTEMPTED, Register

REF = BatchRef(CAMPAIGN, 1)


@pytest.fixture
def due(register: Register) -> Register:
    """The register with its unattempted delivery waiting in a batch, and another campaign that has not started."""
    with writing(register.engine) as connection:
        waiting = schema.delivery.c.number == UNATTEMPTED
        connection.execute(sa.update(schema.delivery).where(waiting).values(status="pending", attempt=0))
        connection.execute(
            sa.insert(schema.batch).values(
                campaign_id=CAMPAIGN, batch_no=1, channel="email", first_number=1, last_number=UNATTEMPTED
            )
        )
        connection.execute(
            sa.insert(schema.campaign).values(
                id=CAMPAIGN + 1, submission_id="winter", key="winter", edition="1", kind="newsletter",
                channel="email", purpose="marketing", template="newsletter", sender="news", smarthost="main",
                fallback_language="en", status="scheduled", created_at=MOMENT, created_by="process:test",
            )
        )  # fmt: skip
    return register


def statuses(engine: sa.Engine) -> list[str]:
    """The statuses of all deliveries, in order."""
    row = schema.delivery.c
    with reading(engine) as connection:
        return list(connection.execute(sa.select(row.status).order_by(row.number)).scalars())


def test_a_halt_shuts_the_gate_and_go_opens_it(due: Register) -> None:
    gate = Gate(due.engine)
    gate.look()
    assert restart.halt(due.engine, "fire drill", TESTER)
    assert not restart.halt(due.engine, "again", TESTER)
    with pytest.raises(GateClosed, match="halted"):
        gate.look()
    assert ledger.claim(due.engine, REF, "owner") is None
    assert restart.present_halt(due.engine) == restart.Halt(True, "fire drill", False)

    done = restart.go(due.engine, TESTER)
    assert done == restart.Restart(was_halted=True, restored=False)
    gate.look()
    hand = ledger.claim(due.engine, REF, "owner")
    assert hand is not None
    assert [row.delivery.number for row in hand.rows] == [UNATTEMPTED]
    assert restart.go(due.engine, TESTER) == restart.Restart(was_halted=False, restored=False)


class Backup:
    """A copy of a database, and the way back to it while others are connected."""

    def __init__(self, url: str, server: str, folder: Path) -> None:
        self._url, self._server = make_url(url), server
        self._database = str(self._url.database)
        self._copy = str(folder / "backup") if not server else f"{self._database}_copy"

    def take(self, engine: sa.Engine) -> None:
        """Copy the database as it is now."""
        if self._server:
            engine.dispose()
            with psycopg.connect(dsn(self._server), autocommit=True) as connection:
                connection.execute(_HANG_UP, (self._database,))
            administer(self._server, f'CREATE DATABASE {{}} TEMPLATE "{self._database}"', self._copy)
        else:
            _copy_sqlite(self._database, self._copy)

    def restore(self, engine: sa.Engine) -> None:
        """Put the copy in place of the database."""
        if self._server:
            engine.dispose()
            administer(self._server, "DROP DATABASE {} WITH (FORCE)", self._database)
            administer(self._server, f'ALTER DATABASE {{}} RENAME TO "{self._database}"', self._copy)
        else:
            _copy_sqlite(self._copy, self._database)


_HANG_UP = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"


def _copy_sqlite(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@pytest.fixture
def backup(due: Register, tmp_path: Path, request: pytest.FixtureRequest) -> Backup:
    """The means to restore the register."""
    server = request.getfixturevalue("postgres_server") if "postgres" in due.url else ""
    return Backup(due.url, server, tmp_path)


@pytest.mark.parametrize("since", ["a no", "a claim"])
def test_a_restored_backup_halts_everything_until_somebody_says_go(
    due: Register, backup: Backup, tmp_path: Path, since: str
) -> None:
    running = Gate(due.engine, Witness(tmp_path / "here"))
    running.look()
    backup.take(due.engine)
    if since == "a no":
        with answering_a_no(due.engine):
            pass
    else:
        assert ledger.claim(due.engine, REF, "owner") is not None
    time.sleep(PERMIT_MS / 1000)
    running.look()

    backup.restore(due.engine)
    for gate in (
        Gate(due.engine, Witness(tmp_path / "here")),
        Gate(due.engine, Witness(tmp_path / "elsewhere")),
    ):
        with pytest.raises(GateClosed):
            gate.look()
    assert restart.present_halt(due.engine).restored
    assert ledger.claim(due.engine, REF, "owner") is None
    assert statuses(due.engine) == ["accepted", "accepted", "accepted", "pending"]

    done = restart.go(due.engine, TESTER)
    assert done == restart.Restart(was_halted=True, restored=True, uncertain=1, held=1)
    assert statuses(due.engine) == ["accepted", "accepted", "accepted", "uncertain"]
    assert ledger.claim(due.engine, REF, "owner") is None
    running.look()
    Gate(due.engine, Witness(tmp_path / "here")).look()


def test_a_running_process_notices_a_restored_backup_by_itself(due: Register, backup: Backup) -> None:
    running = Gate(due.engine)
    backup.take(due.engine)
    with answering_a_no(due.engine):
        running.look()
    with answering_a_no(due.engine):
        pass
    running.look()
    backup.restore(due.engine)
    with answering_a_no(due.engine):  # which is still taken, and takes longer than a permit lasts
        pass
    with pytest.raises(GateClosed, match="restored backup"):
        running.look()
