"""An installation to measure: example settings in a folder, a database, a Valkey, made-up people, real processes.

People are written straight into the register's tables: what is measured is the sending, and the import has a benchmark
of its own.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery.claimed_rows import claimed_rows
from campaigns.delivery.composing import Writer
from campaigns.store import bulk, schema
from campaigns.store.engine import make_engine, reading, writing
from tests.bench.sink import cpu_seconds
from tests.support.postgres import fresh_database, running_server
from tests.support.processes import start_tied, stop
from tests.support.valkey import running_valkey
from workers.settings import load_settings
from workers.wiring import Installation

ROOT: Final = Path(__file__).resolve().parents[2]
PEOPLE_PER_COMPANY: Final = 7
_CHUNK: Final = 20_000
_FIRST: Final = ("Astrid", "Väinö", "Märta", "Kaisa", "Edwin", "Öjvind", "Aino", "Nils")
_LAST: Final = ("Björkstam", "Mäkipuro", "Granlund", "Lehtonen", "Holloway", "Öhrn", "Jääskelä")
_LANGUAGES: Final = ("sv", "fi", "en")


@dataclass
class Rig:
    """One installation, its commands and its processes."""

    folder: Path
    environment: dict[str, str]
    installation: Installation
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def utskick(self, *arguments: str) -> dict[str, Any]:
        """Run a command and return its JSON answer."""
        command = [sys.executable, "-m", "workers", *arguments, "--json"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"utskick {' '.join(arguments)}: {done.stderr or done.stdout}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def start_workers(self, processes: int, threads: int) -> None:
        """Start worker processes, each a process of its own so that its CPU time can be read."""
        command = [sys.executable, "-m", "workers", "worker", "--threads", str(threads)]
        for number in range(processes):
            log = self.folder / f"worker-{number}.log"
            child = start_tied(["env", "-C", str(self.folder), *command], log, env=self.environment)
            self.workers.append(child)
        time.sleep(3)

    def stop_workers(self) -> None:
        """End them in order."""
        for child in self.workers:
            child.send_signal(signal.SIGTERM)
        for child in self.workers:
            stop(child, signal.SIGTERM)
        self.workers.clear()

    def cpu(self) -> float:
        """CPU seconds that all workers have used so far."""
        return sum(cpu_seconds(child.pid) for child in self.workers)

    def send(self, edition: str, *settings: str) -> dict[str, Any]:
        """Submit the example newsletter and wait until its campaign is over; returns its accounts."""
        assignments = ['campaign.lists=["news"]', *settings]
        self.utskick(
            "campaigns", "submit", str(ROOT / "examples" / "newsletter.toml"), "--submission-id", edition,
            *(word for assignment in assignments for word in ("--set", assignment)),
        )  # fmt: skip
        return self.wait(edition)

    def wait(self, submission: str, *, seconds: float = 1_800) -> dict[str, Any]:
        """Wait until the campaign of a submission is completed."""
        table = schema.campaign.c
        statement = sa.select(table.id).where(table.submission_id == submission, table.status == "completed")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with reading(self.installation.engine) as connection:
                found = connection.execute(statement).scalar_one_or_none()
            if found is not None:
                return self.utskick("campaigns", "show", str(found))
            time.sleep(0.25)
        raise RuntimeError(f"{submission} was not completed within {seconds} s; see {self.folder}")

    def message_octets(self, campaign: int) -> int:
        """The size of one message of a campaign, in octets."""
        writer = Writer(
            self.installation.engine,
            campaign,
            self.installation.author("default"),
            self.installation.stationery,
        )
        with reading(self.installation.engine) as connection:
            row = claimed_rows(connection, campaign, {1: 1})[0]
        return len(writer.letter(row).content)


@contextmanager
def rig(kind: str, smarthost_port: int) -> Iterator[Rig]:
    """A fresh installation on `postgres` (durable, with a Valkey beside it) or on `sqlite` (embedded Valkey)."""
    folder = ROOT / "var" / "bench" / f"rig-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "utskick.example.toml", folder / "utskick.toml")
    with ExitStack() as stack:
        settings = {"UTSKICK_SMARTHOST": f"smtp://127.0.0.1:{smarthost_port}"}
        if kind == "postgres":
            server = stack.enter_context(running_server(durable=True))
            settings["UTSKICK_DATABASE_URL"] = stack.enter_context(fresh_database(server))
            settings["UTSKICK_REDIS_URL"] = stack.enter_context(running_valkey())
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("UTSKICK_")},
            "PYTHONPATH": str(ROOT),
            **settings,
        }
        subprocess.run(
            [sys.executable, "-m", "workers", "init"],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
        )
        made = Rig(folder, environment, _installation(folder, settings))
        try:
            yield made
        finally:
            made.stop_workers()
            made.installation.engine.dispose()
            shutil.rmtree(folder, ignore_errors=True)


def _installation(folder: Path, settings: dict[str, str]) -> Installation:
    before, here = dict(os.environ), Path.cwd()
    try:
        os.environ.update(settings)
        os.chdir(folder)
        loaded = load_settings()
        return Installation(
            loaded.model_copy(
                update={
                    "data_dir": (folder / loaded.data_dir).resolve(),
                    "secrets_dir": (folder / loaded.secrets_dir).resolve(),
                }
            )
        )
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def fill(installation: Installation, people: int, *, list_key: str = "news") -> None:
    """Write so many made-up people at companies, all subscribed to one list."""
    engine, ring, now = make_engine(installation.settings.database), installation.ring, utc_now()
    made = {"created_at": now, "created_by": "process:bench"}
    with writing(engine) as connection:
        list_id = connection.execute(
            sa.insert(schema.mailing_list)
            .values(key=list_key, kind="newsletter", name="Från sågen", purpose="marketing", **made)
            .returning(schema.mailing_list.c.id)
        ).scalar_one()
        companies = [
            {
                "id": number,
                "name": f"Björkstams Trä {number} Oy",
                "company_key": number.to_bytes(20, "big"),
                **made,
            }
            for number in range(1, people // PEOPLE_PER_COMPANY + 2)
        ]
        connection.execute(sa.insert(schema.company), companies)
    by, since = "process:bench", {"since": now}
    for start in range(1, people + 1, _CHUNK):
        numbers = range(start, min(start + _CHUNK, people + 1))
        with writing(engine) as connection:
            persons = [_person(ring, number, now) for number in numbers]
            bulk.insert(
                schema.contact, connection, list(persons[0]), [list(item.values()) for item in persons]
            )
            bulk.insert(
                schema.position,
                connection,
                ("contact_id", "company_id"),
                [(number, number // PEOPLE_PER_COMPANY + 1) for number in numbers],
                {"name": "Ostopäällikkö", "started_at": now, "created_by": by},
            )
            ids = [(number,) for number in numbers]
            basis = {"purpose": "marketing", "basis": "consent", "evidence": "", **since}
            bulk.insert(schema.contact_basis, connection, ("contact_id",), ids, basis)
            member = {"list_id": list_id, "status": "subscribed", "changed_by": by, **since}
            bulk.insert(schema.subscription, connection, ("contact_id",), ids, member)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))
    engine.dispose()


def _person(ring: Any, number: int, now: Any) -> dict[str, Any]:
    address = f"person.{number}@kund{number % 997}.example"
    return {
        "id": number,
        "first_name": _FIRST[number % 8],
        "last_name": _LAST[number % 7],
        "title": "DI",
        "email": address,
        "email_key": ring.fingerprint("address", address),
        "domain_key": ring.fingerprint("domain", address.partition("@")[2]),
        "language": _LANGUAGES[number % 3],
        "key_id": ring.current_id("fingerprint"),
        "created_at": now,
        "created_by": "process:bench",
        "updated_at": now,
        "updated_by": "process:bench",
    }
