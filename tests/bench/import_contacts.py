"""How fast a large table becomes contacts, with every check, origin and audit entry; and what it costs in memory.

    python -m tests.bench.import_contacts [ROWS] [sqlite|postgres …]

Prints one JSON object per database: rows a second by the clock and by this process's CPU, seconds of the database
server's CPU, the growth of memory, and the same for importing the very same file again.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import sqlalchemy as sa

from campaigns.keyfiles import make_keys
from campaigns.register import identity, mailing_lists
from campaigns.register.intake import ImportReport, ImportRequest
from campaigns.register.mailing_lists import MailingList
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.migrate import migrate
from tests.support.postgres import dsn, fresh_database, running_server
from tests.support.register import TESTER
from workers.importing import run_import

FIRST = ("Åsa", "Björn", "Eero", "Päivi", "Anna", "Kaj", "Mia", "Olof", "Sanna", "Ville")
LAST = ("Lind", "Kivelä", "Öhman", "Ford", "Nyström", "Mäkinen", "Berg", "Salo", "Holm", "Laine")
HEADS = "företag;FO-nummer;förnamn;efternamn;befattning;e-post;telefon;språk;gatuadress;postnummer;ort;land"


def run(rows: int = 100_000, databases: tuple[str, ...] = ("sqlite", "postgres")) -> dict[str, Any]:
    """Import so many made-up people into fresh registers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        write_table(path, rows)
        return {database: measured(database, path, Path(folder)) for database in databases}


def write_table(path: Path, rows: int) -> None:
    """A table as a Nordic CRM exports it: a company for every five people, a third of them with a street."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(HEADS + "\r\n")
        file.writelines(lines(rows))


def lines(rows: int) -> Iterator[str]:
    """The rows, the same every time."""
    draw = Random(20261125)
    for number in range(rows):
        first, last, firm = draw.choice(FIRST), draw.choice(LAST), number // 5
        street = (
            f"Satamakatu {number % 90};65{number % 1000:03d};Pohjoissalmi;FI" if number % 3 == 0 else ";;;"
        )
        yield (
            f"Bolag {firm} Ab;{firm:07d}-0;{first};{last};Inköpschef;{plain(first)}.{plain(last)}.{number}"
            f"@bolag{firm}.example;+358 40 {number % 10_000_000:07d};svenska;{street}\r\n"
        )


def plain(name: str) -> str:
    """A name as it stands in an address."""
    return name.lower().translate(str.maketrans("åäö", "aao"))


def measured(database: str, path: Path, folder: Path) -> dict[str, Any]:
    """The figures of one database."""
    if database == "sqlite":
        return imports(f"sqlite:///{folder / 'bench.sqlite'}", path, folder / "sqlite-keys")
    with running_server(durable=True) as server, fresh_database(server) as url:
        return imports(url, path, folder / "postgres-keys")


def imports(url: str, path: Path, keys: Path) -> dict[str, Any]:
    """Import the table twice."""
    engine = make_engine(url)
    migrate(engine)
    ring = make_keys(keys)
    with writing(engine) as connection:
        identity.found(connection, "bench", ring.marks(), TESTER)
        news = mailing_lists.add(
            connection, MailingList(0, "news", "newsletter", "News", "marketing"), TESTER
        )
    request = ImportRequest(path, news, "fair", "consent")
    figures: dict[str, Any] = {}
    for name in ("first", "again"):
        wall, cpu, server = time.perf_counter(), time.process_time(), server_cpu(url)
        report = run_import(engine, ring, request, TESTER)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        figures[name] = {
            "rows": report.rows,
            "rows_per_second": round(report.rows / wall),
            "rows_per_cpu_second": round(report.rows / cpu),
            "server_cpu_seconds": round(server_cpu(url) - server, 1),
            **counts(report),
        }
    with reading(engine) as connection:
        figures["contacts"] = connection.execute(
            sa.select(sa.func.count()).select_from(schema.contact)
        ).scalar_one()
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    engine.dispose()
    return figures


def counts(report: ImportReport) -> dict[str, int]:
    """What became of the rows."""
    return {
        "imported": report.imported,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "refused": len(report.refused),
    }


def server_cpu(url: str) -> float:
    """Seconds of CPU that the server's processes have used; 0 for SQLite, whose work is our own."""
    if url.startswith("sqlite"):
        return 0.0
    with psycopg.connect(dsn(url)) as connection:
        row = connection.execute("SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL").fetchall()
    ticks = 0
    for (pid,) in row:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for name, figures in run(count, tuple(sys.argv[2:]) or ("sqlite", "postgres")).items():
        print(json.dumps({name: figures}))
