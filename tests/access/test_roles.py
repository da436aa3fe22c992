"""The database roles that are shipped: what a process needs works, and what it must not do the database refuses."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError
from starlette.testclient import TestClient

from campaigns.errors import RefusedOperation
from campaigns.register import accounts
from campaigns.register.audit_check import verify
from campaigns.store import partitions, schema
from campaigns.store.engine import make_engine, reading, writing
from tests.architecture.tree import ROOT
from tests.operations.place import Place, made_place
from tests.operations.processes import eventually, staff_of
from tests.support.postgres import dsn
from tests.support.register import Register, made_register
from tests.support.smtp_sink import SmtpSink
from tests.web.place import context_for
from workers import broker as queue
from workers.broker import make_broker
from workers.web.app import create_app

ROLES = ("worker", "scheduler", "entrance", "operator", "reporter")


def give_roles(owner: sa.Engine) -> dict[str, str]:
    """Run the shipped file; by role the URL of a login that has it."""
    with psycopg.connect(dsn(owner.url.render_as_string(hide_password=False))) as shell:
        shell.execute((ROOT / "deploy" / "postgres" / "roles.sql").read_bytes())
    with writing(owner) as connection:
        for role in ROLES:
            there = sa.text("SELECT 1 FROM pg_roles WHERE rolname = :name")
            if connection.execute(there, {"name": f"test_{role}"}).first() is None:
                connection.exec_driver_sql(f"CREATE ROLE test_{role} LOGIN IN ROLE utskick_{role}")
    return {
        role: owner.url.set(username=f"test_{role}").render_as_string(hide_password=False) for role in ROLES
    }


@pytest.fixture
def register(postgres_url: str, tmp_path: Path) -> Iterator[Register]:
    with made_register(postgres_url, tmp_path / "secrets") as made:
        yield made


@pytest.fixture
def place(postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[Place]:
    with (
        SmtpSink() as sink,
        made_place(tmp_path, postgres_url, f"smtp://127.0.0.1:{sink.port}", REDIS_URL=redis_url) as made,
    ):
        yield made


def test_a_campaign_goes_out_with_the_roles_of_worker_and_scheduler(place: Place) -> None:
    place.people(20)
    urls = give_roles(place.engine)

    def completed() -> bool:
        with reading(place.engine) as connection:
            return connection.execute(sa.select(schema.campaign.c.status)).scalars().all() == ["completed"]

    with staff_of(place) as staff, queue.connected(place.installation.settings) as client:
        for name in ("worker", "scheduler"):
            staff.place = replace(
                place, environment={**place.environment, "UTSKICK_DATABASE_URL": urls[name]}
            )
            staff.start(name)
        document = {**place.document(), "submitted_by": "os:test"}
        queue.put(make_broker(client), queue.SUBMISSIONS, "submit_campaign", document)
        eventually(completed)
        eventually(lambda: verify(place.installation.sealer).unsealed == 0)
    assert place.counts(1) == {"accepted": 20}
    assert verify(place.installation.sealer).problems == []
    assert "denied" not in staff.log()


FORBIDDEN = {
    "drop a table": "DROP TABLE delivery",
    "drop a partition": "DROP TABLE utskick_ledger.delivery_000000000",
    "change a table": "ALTER TABLE contact ADD COLUMN x int",
    "switch a trigger off": "ALTER TABLE audit DISABLE TRIGGER ALL",
    "make a table": "CREATE TABLE x (y int)",
    "empty the log": "TRUNCATE audit, audit_value",
    "change the log": "UPDATE audit SET evidence = ''",
    "delete from the log": "DELETE FROM audit",
    "change what was logged": "UPDATE audit_value SET old = NULL",
    "cut the log": "INSERT INTO audit_cut VALUES (1, '', now(), 'x', '')",
    "read passwords": "SELECT password_hash FROM account",
    "change a level": "UPDATE account SET level = 'administrator'",
    "make an account": "INSERT INTO account (name) VALUES ('x')",
    "read tokens": "SELECT digest FROM access_token",
    "make a token": "INSERT INTO access_token (digest) VALUES ('x')",
    "forge a key": "UPDATE register_key SET check_value = ''",
    "forget a wish": "DELETE FROM suppression",
    "forget a history": "DELETE FROM subscription_history",
    "rewrite a history": "UPDATE subscription_history SET status = 'subscribed'",
    "become somebody else": "SET ROLE utskick_operator",
}
#: What other roles may nevertheless, each for its work.
ALLOWED = {
    "scheduler": {"forget a wish", "change what was logged"},  # what is due; held by the triggers besides
    "entrance": {"read tokens"},
    "reporter": set[str](),
}


def test_the_roles_cannot_do_what_they_need_not(register: Register) -> None:
    urls = give_roles(register.engine)
    for role, allowed in {"worker": set[str](), **ALLOWED}.items():
        engine = make_engine(urls[role])
        for what, statement in FORBIDDEN.items():
            if what in allowed:
                continue
            assert refused(engine, statement), f"{role} can {what}"
        engine.dispose()


def refused(engine: sa.Engine, statement: str) -> bool:
    """Whether the database says that this role may not."""
    try:
        with writing(engine) as connection:
            connection.exec_driver_sql(statement)
    except ProgrammingError as error:
        return re.search("permission denied|must be owner", str(error.orig)) is not None
    return False


def test_a_reporter_sees_numbers_and_nobody(register: Register) -> None:
    engine = make_engine(give_roles(register.engine)["reporter"])
    row = schema.delivery.c
    with reading(engine) as connection:
        assert connection.execute(sa.select(row.status, sa.func.count()).group_by(row.status)).all()
    for table in ("contact", "suppression", "audit_value", "subscription", "feedback_event", "parked_mail"):
        with pytest.raises(ProgrammingError, match="permission denied"), reading(engine) as connection:
            connection.exec_driver_sql(f"SELECT 1 FROM {table}")
    engine.dispose()


def test_people_leave_and_programs_call_with_the_role_of_the_entrances(register: Register) -> None:
    from campaigns.tokens import TokenPurpose

    engine = make_engine(give_roles(register.engine)["entrance"])
    client = TestClient(create_app(replace(context_for(register), engine=engine)))
    assert client.post(f"/u/{register.link(TokenPurpose.UNSUBSCRIBE)}").status_code == 200
    assert register.status() == "unsubscribed"
    assert client.get("/api/v1/campaigns", headers={"Authorization": "Bearer nobody"}).status_code == 401
    engine.dispose()


def test_the_commands_of_people_work_with_the_role_of_operators(register: Register) -> None:
    from campaigns.principal import Level
    from campaigns.register import audit
    from tests.support.register import TESTER

    engine = make_engine(give_roles(register.engine)["operator"])
    with writing(engine) as connection:
        accounts.add(connection, accounts.NewAccount("anna", Level.READER, "a long enough secret"), TESTER)
        audit.write(connection, audit.Entry(TESTER, "contact:x:y", ["contact:1"], "", {"a": 1}, None))
        assert audit.redact(connection, 1, "test", TESTER) == 1
    engine.dispose()


def test_a_worker_goes_on_while_its_campaign_has_a_partition(register: Register) -> None:
    engine = make_engine(give_roles(register.engine)["worker"])
    assert partitions.make_ahead(engine, 99) == 0
    assert not partitions.missing_ahead(engine, 40)
    assert partitions.missing_ahead(engine, 400)
    assert not partitions.missing_ahead(register.engine, 400)
    with pytest.raises(RefusedOperation, match="utskick init"):
        partitions.make_ahead(engine, 5_000)
    engine.dispose()
