"""How many events and posts a second one `utskick web` makes durable on PostgreSQL, and how long callers wait.

    python -m tests.bench.webhooks [SECONDS]

Prints one JSON object a case. `flat_out` keeps a number of connections busy and says what one process can take;
`steady` sends at a set rate, each post when its time has come whether or not earlier ones are answered, and says how
long the answers took. Bodies with a "no" include the gate's wait of 100 ms. The load generator shares the machine;
its posts are signed beforehand.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.conformance.webhooks.sender import About, Post
from tests.conformance.webhooks.signing import WEBHOOK_SECRETS, GenericSender
from tests.support.postgres import fresh_database, running_server
from tests.support.register import CAMPAIGN, LIST_ID, MOMENT, Register, made_register
from tests.web.processes import Running, running

PEOPLE_FROM, PEOPLE = 1_000, 30_000
SENDER = GenericSender()


@dataclass(frozen=True)
class Case:
    """One kind of load: events in a post, how many of a hundred posts hold a "no", connections, posts a second
    (0: as many as can be)."""

    name: str
    events: int
    noes: int
    connections: int
    rate: int = 0


CASES = (
    Case("flat_out_batches", 100, 0, 8),
    Case("flat_out_batches_with_noes", 100, 100, 16),
    Case("flat_out_singles", 1, 0, 16),
    Case("flat_out_singles_all_noes", 1, 100, 128),
    Case("steady_batches", 100, 0, 8, 25),
    Case("steady_batches_with_noes", 100, 100, 16, 22),
    Case("steady_singles", 1, 0, 128, 510),
    Case("steady_singles_tenth_noes", 1, 10, 128, 510),
)


def run(seconds: float = 5.0, cases: Sequence[Case] = CASES) -> dict[str, Any]:
    """Each case for so many seconds, on one fresh register."""
    with tempfile.TemporaryDirectory() as folder, _web(Path(folder)) as (register, web):
        return {case.name: _measured(register, web, case, seconds) for case in cases}


@contextmanager
def _web(folder: Path) -> Iterator[tuple[Register, Running]]:
    """A register with many people who were written to, and a process that takes news of them."""
    with (
        running_server(durable=True) as server,
        fresh_database(server) as url,
        made_register(url, folder / "secrets") as register,
    ):
        _fill(register)
        secret = register.secrets_dir / "webhook-mail-operator.secret"
        secret.write_text(WEBHOOK_SECRETS["new"])
        secret.chmod(0o600)
        with running(register, "web", folder / "web") as web:
            yield register, web


def _fill(register: Register) -> None:
    numbers = range(PEOPLE_FROM, PEOPLE_FROM + PEOPLE)
    keys = {number: number.to_bytes(32, "big") for number in numbers}
    made = {"created_at": MOMENT, "created_by": "bench", "updated_at": MOMENT, "updated_by": "bench"}
    key_id = register.ring.current_id("fingerprint")
    contacts = [
        {
            "id": n,
            "email": f"p{n}@kund.example",
            "email_key": keys[n],
            "key_id": key_id,
            "language": "sv",
            **made,
        }
        for n in numbers
    ]
    times = {"expanded_at": MOMENT, "handed_over_at": MOMENT, "settled_at": MOMENT}
    shared = {"campaign_id": CAMPAIGN, "channel": "email", "list_id": LIST_ID, "language": "sv", **times}
    deliveries = [
        {**shared, "number": n, "contact_id": n, "address_key": keys[n], "status": "accepted", "attempt": 1}
        for n in numbers
    ]
    with writing(register.engine) as connection:
        connection.execute(sa.insert(schema.contact), contacts)
        connection.execute(sa.insert(schema.delivery), deliveries)
        connection.execute(sa.text("ANALYZE"))  # which the server does by itself within a minute


def _measured(register: Register, web: Running, case: Case, seconds: float) -> dict[str, Any]:
    # At most what is sent at the targets' tripled rate; a flat-out case begins again where it has sent all.
    wanted = case.rate * seconds if case.rate else 3_000 * seconds / min(case.events, 20)
    posts = _posts(register, case, int(wanted))
    before, own, servers = _events(register), _cpu([web.child.pid]), _cpu(_backends(register))
    load = asyncio.run(_Load(web.port, case, posts, seconds).sent())
    stored = _events(register) - before
    spent = {
        "web_cpu_ms_per_post": _cpu([web.child.pid]) - own,
        "database_cpu_ms_per_post": _cpu(_backends(register)) - servers,
    }
    count = load["posts"] or 1
    costs = {name: round(1000 * cpu / count, 2) for name, cpu in spent.items()}
    return {**load, **costs, "events_per_second": round(stored / load["seconds"]), "events_stored": stored}


def _cpu(processes: Sequence[int]) -> float:
    """Seconds of CPU that processes have used."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def _backends(register: Register) -> list[int]:
    with reading(register.engine) as connection:
        found = connection.execute(sa.text("SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL"))
        return [int(row.pid) for row in found]


def _posts(register: Register, case: Case, count: int) -> list[bytes]:
    now = datetime.now(UTC)
    posts = []
    for number in range(count):
        has_no = number * 37 % 100 < case.noes
        items = [
            _item(register, case, (number * case.events + index) % PEOPLE, now, has_no and index % 20 == 0)
            for index in range(case.events)
        ]
        posts.append(_request(SENDER.post(items, now, "new", "mail-operator")))
    return posts


def _item(register: Register, case: Case, person: int, now: datetime, is_no: bool) -> Any:
    number = PEOPLE_FROM + person
    event_id = f"{case.name}-{now.timestamp()}-{number}-{person}"
    about = About(
        register.message_id(number), register.return_path(number), f"p{number}@kund.example", event_id, now
    )
    return SENDER.items(about)["hard" if is_no else "delivered"][0]


def _request(post: Post) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in post.headers.items())
    return (
        f"POST {post.path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(post.body)}\r\n{head}\r\n".encode()
        + post.body
    )


def _events(register: Register) -> int:
    with reading(register.engine) as connection:
        return int(
            connection.execute(sa.select(sa.func.count()).select_from(schema.feedback_event)).scalar_one()
        )


class _Load:
    """Sends posts over a number of connections and writes down how long each answer took."""

    def __init__(self, port: int, case: Case, posts: Sequence[bytes], seconds: float) -> None:
        self._port, self._case, self._seconds = port, case, seconds
        self._posts = iter(list(posts))
        self._started = 0.0
        self._next = 0
        self._waits: list[float] = []
        self._bad: dict[int, int] = {}

    async def sent(self) -> dict[str, Any]:
        """The figures, once all is answered."""
        self._started = time.perf_counter()
        await asyncio.gather(*(self._connection() for _ in range(self._case.connections)))
        lasted = time.perf_counter() - self._started
        waits = sorted(self._waits)
        figures = {
            f"p{share}_ms": round(1000 * waits[len(waits) * share // 100], 1) for share in (50, 95, 99)
        }
        per_second = round(len(waits) / lasted)
        return {
            "seconds": round(lasted, 2),
            "posts": len(waits),
            "posts_per_second": per_second,
            **figures,
            "not_200": self._bad,
        }

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while time.perf_counter() - self._started < self._seconds:
            post = next(self._posts, None)
            if post is None:
                break
            due = self._started + self._next / self._case.rate if self._case.rate else 0.0
            self._next += 1
            early = due - time.perf_counter()
            if self._case.rate and early > 0:
                await asyncio.sleep(early)
            began = due or time.perf_counter()
            writer.write(post)
            status = await self._answer(reader)
            self._waits.append(time.perf_counter() - began)
            if status != 200:
                self._bad[status] = self._bad.get(status, 0) + 1
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> int:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        return int(head.split(b" ", 2)[1])


if __name__ == "__main__":
    for name, figures in run(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0).items():
        print(json.dumps({name: figures}))
