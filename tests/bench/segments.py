"""How long a segment takes over a million contacts: counted, and explained for a list.

    python -m tests.bench.segments [CONTACTS] [sqlite|postgres …]

Prints one JSON object a database: for each expression the first and the best of three counts, in seconds. Every contact
has a position, a subscription, a basis and two events of four kinds, made in the database itself, since the import is
measured elsewhere (`tests.bench.import_contacts`).
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.keyfiles import make_keys
from campaigns.planning import segments
from campaigns.planning.segments import Counting
from campaigns.register import identity, mailing_lists
from campaigns.register.mailing_lists import MailingList
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.migrate import migrate
from tests.support.postgres import fresh_database, running_server
from tests.support.register import TESTER

EXPRESSIONS = (
    "event purchase within 90 days",
    'event purchase within 90 days and language = sv and not list "news"',
    "event meeting at least 2 times since 2025-01-01",
    "city = Vasa and not event purchase within 30 days",
    "company event offer before 2026-06-30",
    "company event offer at least 2 times before 2026-06-30",
)
NUMBERS = {
    "postgres": "SELECT n FROM generate_series(1, {count}) AS s(n)",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s",
}
KEY = {"postgres": "decode(lpad(to_hex(n), 64, '0'), 'hex')", "sqlite": "randomblob(32)"}
AT = {
    "postgres": "timestamptz '2026-11-24 00:00:00+00' - (n % 730 * 7919 % 730) * interval '1 day'",
    "sqlite": "datetime('2026-11-24', '-' || (n % 730 * 7919 % 730) || ' days') || '.000000'",
}


def run(contacts: int = 1_000_000, databases: tuple[str, ...] = ("sqlite", "postgres")) -> dict[str, Any]:
    """The figures of each database."""
    found = {}
    for database in databases:
        with tempfile.TemporaryDirectory() as folder:
            if database == "sqlite":
                found[database] = measured(f"sqlite:///{folder}/bench.sqlite", contacts, Path(folder))
            else:
                with running_server() as server, fresh_database(server) as url:
                    found[database] = measured(url, contacts, Path(folder))
    return found


def measured(url: str, contacts: int, folder: Path) -> dict[str, Any]:
    """Fill a register and count."""
    engine = make_engine(url)
    migrate(engine)
    ring = make_keys(folder / "keys")
    with writing(engine) as connection:
        identity.found(connection, "bench", ring.marks(), TESTER)
        news = mailing_lists.add(
            connection, MailingList(0, "news", "newsletter", "News", "marketing"), TESTER
        )
        _fill(connection, contacts)
    if not url.startswith("sqlite"):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(
                sa.text("VACUUM ANALYZE")
            )  # which the server does by itself after such an import
    counting = Counting({}, 5)
    figures: dict[str, Any] = {"contacts": contacts}
    with reading(engine) as connection:
        for expression in EXPRESSIONS:
            taken, count = [], None
            for _ in range(3):
                began = time.perf_counter()
                count = segments.count(connection, expression, counting)
                taken.append(round(time.perf_counter() - began, 2))
            figures[expression] = {"people": count, "first_s": taken[0], "best_s": min(taken)}
        began = time.perf_counter()
        segments.explain(connection, EXPRESSIONS[0], counting, news)
        figures["explained_for_a_list_s"] = round(time.perf_counter() - began, 2)
    engine.dispose()
    return figures


def _fill(connection: sa.Connection, count: int) -> None:
    kind = "sqlite" if connection.dialect.name == "sqlite" else "postgres"
    numbers, at, key = NUMBERS[kind].format(count=count), AT[kind], KEY[kind]
    made = "'2026-11-24 00:00:00.000000'" + ("" if kind == "sqlite" else "::timestamptz")
    firms = NUMBERS[kind].format(count=count // 5)
    event = f"""INSERT INTO event (contact_id, company_id, kind, at, source, event_id, recorded_at, recorded_by)
        SELECT n, CASE n % 4 WHEN 0 THEN 1 + n / 5 END,
            CASE (n / 2 + $turn) % 4 WHEN 0 THEN 'purchase' WHEN 1 THEN 'meeting' WHEN 2 THEN 'offer'
                ELSE 'feedback' END,
            {at}, 'crm', 'e$turn-' || n, {made}, 'bench' FROM ({numbers}) AS s"""
    statements = (
        f"""INSERT INTO company (id, name, company_key, created_at, created_by)
        SELECT n, 'Bolag ' || n, {key}, {made}, 'bench' FROM ({firms}) AS s""",
        f"""INSERT INTO contact (id, first_name, last_name, email, email_key, domain_key, language, city, key_id,
            created_at, created_by, updated_at, updated_by)
        SELECT n, 'Kim', 'Exempel', 'p' || n || '@kund.example', {key}, {key},
            CASE n % 3 WHEN 0 THEN 'sv' WHEN 1 THEN 'fi' ELSE 'en' END,
            CASE n % 10 WHEN 0 THEN 'Vasa' ELSE 'Åbo' END, 1,
            {made}, 'bench', {made}, 'bench' FROM ({numbers}) AS s""",
        f"""INSERT INTO position (contact_id, company_id, name, started_at, created_by)
        SELECT n, 1 + (n - 1) / 5, 'chef', {made}, 'bench' FROM ({numbers}) AS s WHERE n <= {count // 5 * 5}""",
        f"""INSERT INTO subscription (list_id, contact_id, status, since, changed_by)
        SELECT 1, n, 'subscribed', {made}, 'bench' FROM ({numbers}) AS s WHERE n % 2 = 0""",
        f"""INSERT INTO contact_basis (contact_id, purpose, basis, evidence, since)
        SELECT n, 'marketing', 'consent', '', {made} FROM ({numbers}) AS s""",
        event.replace("$turn", "0"),
        event.replace("$turn", "1"),
    )
    for statement in statements:
        connection.execute(sa.text(statement))


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for database, figures in run(number, tuple(sys.argv[2:]) or ("sqlite", "postgres")).items():
        print(json.dumps({database: figures}, ensure_ascii=False))
