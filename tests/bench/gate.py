"""What the gate costs per message: both looks of the story and both of the transport, with the permits renewed in time.

Measured as CPU time of this process over a second and more, on one thread; what the database does for a renewal forty
times a second is its own.
"""

import os
import time
from typing import Any, Final

from campaigns.clock import boot_seconds
from campaigns.delivery import ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.planning.campaign import receive
from campaigns.planning.expansion import expand
from campaigns.register.clearance import Withheld
from campaigns.register.suppression import Gate
from tests.bench.rig import ROOT, Rig, fill, rig
from workers.cli.documents import read_submission

PEOPLE: Final = 500
MESSAGES: Final = int(os.environ.get("BENCH_MESSAGES", "400000"))
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))


def run() -> dict[str, Any]:
    """Microseconds of CPU per message on both databases; the median of the rounds."""
    figures: dict[str, Any] = {"messages": MESSAGES, "rounds": ROUNDS}
    for kind in ("postgres", "sqlite"):
        with rig(kind, 9) as place:
            fill(place.installation, PEOPLE)
            costs = sorted(_round(place, number) for number in range(ROUNDS))
            figures[kind] = {
                "us_per_message": round(costs[ROUNDS // 2], 2),
                "range": [round(costs[0], 2), round(costs[-1], 2)],
            }
    return figures


def _round(place: Rig, number: int) -> float:
    document = read_submission(str(ROOT / "examples" / "newsletter.toml"), ['campaign.lists=["news"]'])
    document["submission_id"] = f"gate-{number}"
    campaign = receive(place.installation.planning, document).campaign_id
    engine = place.installation.engine
    if campaign is None or expand(engine, campaign) is None:
        raise RuntimeError("the campaign could not be expanded")
    hand = ledger.claim(engine, BatchRef(campaign, 1), "bench")
    if hand is None or len(hand.rows) != PEOPLE:
        raise RuntimeError("the batch could not be claimed")
    gate = Gate(engine)
    gate.look()
    letters = [(row.delivery, row.address or "") for row in hand.rows]
    began = time.process_time()
    for count in range(MESSAGES):
        delivery, address = letters[count % PEOPLE]
        for _ in range(2):  # before the body, and before its dot
            verdict = gate.clear(hand.in_hand, delivery, address)
            if isinstance(verdict, Withheld) or boot_seconds() >= verdict.valid_until:
                raise RuntimeError("somebody was refused")
    return (time.process_time() - began) / MESSAGES * 1e6
