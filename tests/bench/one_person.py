"""How long access and erasure of one person take in a large register.

    python -m tests.bench.one_person [CONTACTS] [LEDGER_ROWS] [sqlite|postgres …]

Prints one JSON object per database: seconds for the whole package (JSON, HTML, PDF, CSV) of one person, and for erasing
one, each the slowest and the median of several people. The register is filled by the database itself: what matters here
is its size. The large register of the promise: `python -m tests.bench.one_person 1000000 20000000`.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.keyfiles import make_keys
from campaigns.keyring import KeyRing
from campaigns.register import identity
from campaigns.rights import disclosure, erasure, requests
from campaigns.rights.dossier import Keeper
from campaigns.rights.requests import Asked, Identification, RequestKind
from campaigns.store import partitions, schema
from campaigns.store.engine import make_engine, writing
from campaigns.store.migrate import migrate
from tests.support.postgres import fresh_database, running_server
from tests.support.register import MOMENT, TESTER

PEOPLE = 5
_SERIES = "generate_series(1, {}) AS n(i)"
_RECURSIVE = (
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n) AS n"
)


def run(
    contacts: int = 20_000, ledger: int = 200_000, databases: tuple[str, ...] = ("sqlite", "postgres")
) -> dict[str, Any]:
    """Measure on fresh registers of that size."""
    with tempfile.TemporaryDirectory() as folder:
        return {database: _on(database, Path(folder), contacts, ledger) for database in databases}


def _on(database: str, folder: Path, contacts: int, ledger: int) -> dict[str, Any]:
    if database == "sqlite":
        return measured(f"sqlite:///{folder / 'bench.db'}", folder / "keys-sqlite", contacts, ledger)
    with running_server() as server, fresh_database(server) as url:
        return measured(url, folder / "keys-postgres", contacts, ledger)


def measured(url: str, keys: Path, contacts: int, ledger: int) -> dict[str, Any]:
    """Fill a register, then ask for the data of a few people, and erase them."""
    engine, ring = make_engine(url), make_keys(keys)
    migrate(engine)
    with writing(engine) as connection:
        identity.found(connection, "bench", ring.marks(), TESTER)
    began = time.perf_counter()
    campaigns = max(1, ledger // contacts)
    _fill(engine, ring, contacts, campaigns)
    filled = time.perf_counter() - began
    keeper = Keeper({"name": "Nordhamn", "register_name": "Register"}, {}, {})
    people = [1 + number * (contacts // PEOPLE) for number in range(PEOPLE)]
    given = [
        _timed(engine, "access", it, lambda number: disclosure.disclose(engine, ring, keeper, number, TESTER))
        for it in people
    ]
    gone = [
        _timed(engine, "erasure", it, lambda number: erasure.erase(engine, ring, number, TESTER))
        for it in people
    ]
    engine.dispose()
    return {
        "contacts": contacts,
        "ledger_rows": contacts * campaigns,
        "fill_seconds": round(filled, 1),
        "access_seconds": {"median": round(statistics.median(given), 3), "slowest": round(max(given), 3)},
        "erasure_seconds": {"median": round(statistics.median(gone), 3), "slowest": round(max(gone), 3)},
    }


def _timed(engine: sa.Engine, kind: RequestKind, contact: int, deed: Callable[[int], object]) -> float:
    with writing(engine) as connection:
        number = requests.open_request(
            connection, Asked(kind=kind, came_by="operator", contact_id=contact), TESTER
        )
    requests.identify(engine, number, Identification("mailbox"), TESTER)
    began = time.perf_counter()
    deed(number)
    return time.perf_counter() - began


def _fill(engine: sa.Engine, ring: KeyRing, contacts: int, campaigns: int) -> None:
    """Contacts, subscriptions, bases, origins, and a delivery with an attempt of each contact in each campaign."""
    partitions.make_ahead(engine, 1)
    postgres = engine.dialect.name == "postgresql"
    values: dict[str, Any] = {
        "numbers": (_SERIES if postgres else _RECURSIVE).format(contacts),
        "key": f"CAST('k' || n.i AS {'bytea' if postgres else 'BLOB'})",
        "key_id": ring.current_id("fingerprint"),
        "at": MOMENT.strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    news = {"id": 3, "key": "news", "kind": "newsletter", "name": "News", "purpose": "marketing"}
    with writing(engine) as connection:
        made = {"created_at": MOMENT, "created_by": TESTER.name}
        connection.execute(sa.insert(schema.mailing_list).values({**news, **made}))
        for text in _PEOPLE:
            connection.exec_driver_sql(text.format(**values))
    for campaign in range(1, campaigns + 1):
        with writing(engine) as connection:
            connection.execute(sa.insert(schema.campaign).values(_campaign(campaign)))
            for text in _LEDGER:
                connection.exec_driver_sql(text.format(campaign=campaign, **values))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


_PEOPLE = (
    """
    INSERT INTO contact (id, first_name, last_name, email, email_key, key_id, created_at, created_by, updated_at,
      updated_by)
    SELECT n.i, 'Anna', 'Lind', 'p' || n.i || '@kund.example', {key}, {key_id}, '{at}', 'process:test', '{at}',
      'process:test' FROM {numbers}
    """,
    """
    INSERT INTO subscription (list_id, contact_id, status, since, changed_by)
    SELECT 3, n.i, 'subscribed', '{at}', 'process:test' FROM {numbers}
    """,
    """
    INSERT INTO contact_basis (contact_id, purpose, basis, intake_id, evidence, since)
    SELECT n.i, 'marketing', 'consent', 1, 'x', '{at}' FROM {numbers}
    """,
    """
    INSERT INTO provenance (contact_id, intake_id, row, fields, at)
    SELECT n.i, 1, n.i, '[]', '{at}' FROM {numbers}
    """,
)
_LEDGER = (
    """
    INSERT INTO delivery (campaign_id, number, channel, contact_id, list_id, language, address_key, status, attempt,
      tries, expanded_at, handed_over_at, settled_at)
    SELECT {campaign}, n.i, 'email', n.i, 3, 'sv', {key}, 'accepted', 1, 1, '{at}', '{at}', '{at}' FROM {numbers}
    """,
    """
    INSERT INTO attempt (campaign_id, number, attempt, outcome, smarthost, processor, ended_at, code, reply)
    SELECT {campaign}, n.i, 1, 'accepted', 'main', 'post', '{at}', 250, 'ok' FROM {numbers}
    """,
)


def _campaign(number: int) -> dict[str, Any]:
    made = {"created_at": MOMENT, "created_by": TESTER.name, "expanded_at": MOMENT, "closed_at": MOMENT}
    return {
        "id": number, "submission_id": f"s{number}", "key": "news", "edition": str(number), "kind": "newsletter",
        "channel": "email", "purpose": "marketing", "template": "newsletter", "sender": "news", "smarthost": "main",
        "fallback_language": "en", "status": "completed", **made,
    }  # fmt: skip


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:] if word.isdigit()] or [20_000, 200_000]
    named = tuple(word for word in sys.argv[1:] if not word.isdigit()) or ("sqlite", "postgres")
    print(json.dumps(run(sizes[0], sizes[-1], named), indent=1))
