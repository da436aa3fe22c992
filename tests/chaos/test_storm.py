"""A storm of unsubscriptions during a send into a slow sink: nothing begins after its "no" was answered."""

import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenClaims, TokenPurpose
from tests.chaos.rig import LONG, Rig, made_rig
from tests.chaos.servers import free_port

PEOPLE = 4_000 if LONG else 400
NOES = 2_500 if LONG else 250
CALLERS = 24


@pytest.mark.parametrize(
    "sqlite", [False, pytest.param(True, marks=pytest.mark.long)], ids=["postgres", "sqlite"]
)
def test_no_body_begins_after_its_no_was_answered(tmp_path: Path, sqlite: bool) -> None:
    stamps = tmp_path / "stamps"
    with made_rig(tmp_path, people=PEOPLE, sqlite=sqlite, delay=0.05) as rig:
        rig.surroundings["CHAOS_STAMPS"] = str(stamps)
        campaign = rig.place.opened()
        port = start_web(rig)
        rig.start()
        rig.start()
        rig.sink.wait_for(20)
        answered = storm(rig, campaign, port)
        shown = rig.complete(campaign)
        began = first_octets(stamps)
        arrived = {item.recipient for item in rig.sink.taken()}
        late = [
            number
            for number, (moment, address) in answered.items()
            if address in arrived and min(began[number]) > moment
        ]
        stopped = sum(address not in arrived for _, address in answered.values())
        cut = sum(number in began and address not in arrived for number, (_, address) in answered.items())
        print(
            f"{len(answered)} noes answered with 200 during the send, {stopped} of them stopped a message ({cut} after "
            f"its first octet), {len(late)} bodies begun after their answer; withheld {shown['withheld']}"
        )
        assert len(answered) == NOES
        assert late == []
        assert stopped > NOES // 4
        assert shown["withheld"].get("unsubscribed", 0) == stopped
        rig.judge(campaign, uncertain_at_most=0)


def start_web(rig: Rig) -> int:
    """Start `utskick web`; its port."""
    port = free_port()
    rig.start(program=("-m", "workers", "web", "--port", str(port)))

    def ready() -> bool:
        connection = HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    rig.until(ready, "the web is ready", 60)
    return port


def storm(rig: Rig, campaign: int, port: int) -> dict[int, tuple[float, str]]:
    """Everybody with a high number leaves, all at once; when each was answered with 200, and to whom it was."""
    leaving = iter(links(rig, campaign))
    answered: dict[int, tuple[float, str]] = {}
    lock = threading.Lock()

    def call() -> None:
        while True:
            with lock:
                item = next(leaving, None)
            if item is None:
                return
            number, address, path = item
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", path, "List-Unsubscribe=One-Click")
            status = connection.getresponse().status
            moment = boot_seconds()
            connection.close()
            if status == 200:
                answered[number] = (moment, address)

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return answered


def links(rig: Rig, campaign: int) -> Iterator[tuple[int, str, str]]:
    """Number, address and one-click link of those who leave, spread over the whole campaign."""
    row, contact = schema.delivery.c, schema.contact.c
    with reading(rig.place.engine) as connection:
        rows = connection.execute(
            sa.select(row.number, row.list_id, row.contact_id, contact.email)
            .join_from(schema.delivery, schema.contact, contact.id == row.contact_id)
            .where(row.campaign_id == campaign)
            .order_by(row.number.desc())
            .limit(NOES)
        ).all()
    rig.dice.shuffle(rows)  # type: ignore[arg-type]  # a list in all but name
    tokens = rig.place.installation.tokens
    for item in rows:
        claims = TokenClaims(campaign, item.number, item.list_id, item.contact_id)
        yield item.number, item.email, f"/u/{tokens.for_link(TokenPurpose.UNSUBSCRIBE, claims)}"


def first_octets(stamps: Path) -> dict[int, list[float]]:
    """When bodies began, by number."""
    began: dict[int, list[float]] = {}
    for line in stamps.read_text().splitlines():
        number, moment = line.split()
        began.setdefault(int(number), []).append(float(moment))
    return began
