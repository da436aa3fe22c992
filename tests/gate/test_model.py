"""The protocol holds in every interleaving, and each tempting mistake breaks it."""

import os

import pytest

from tests.gate.ledger_model import Ledger, LedgerRules, search_ledger
from tests.gate.model import Rules, World, search

#: `make chaos` looks further: more time, more faults at once, two processes.
LONG = os.environ.get("CHAOS") == "long"

HOLDS = {
    "as it is, with a kill": Rules(),
    "with a restored backup": Rules(restores=1),
    "somebody else's no in a restored backup": Rules(restores=1, others=True, kills=0),
    "with Redis emptied": Rules(flushes=1),
    "threads that share a permit": Rules(senders=2, shared=True, horizon=4, kills=0),
    "two processes": Rules(senders=2, horizon=3, kills=0),
    "somebody else's no at the same time": Rules(others=True, kills=0),
    "a fenced old primary": Rules(old_primary="fenced", kills=0),
    "a machine frozen for less than the answer waits beyond a permit": Rules(
        frozen=1, answer=3, horizon=6, kills=0
    ),
    "checked before the envelope, and before the dot": Rules(first_check="envelope", kills=0),
    "no look before the dot, and nothing ever stalls": Rules(dot_check="none", stalls=False, kills=0),
    "the epoch in a second place that loses nothing": Rules(epoch="redis", kills=0),
}
FURTHER = {
    "a longer time": Rules(horizon=8, kills=2),
    "longer permits": Rules(permit=3, answer=3, horizon=8),
    "threads that share a permit, with a kill": Rules(senders=2, shared=True),
    "two processes, with a kill": Rules(senders=2, horizon=4),
    "all at once": Rules(restores=1, flushes=1, others=True, kills=1, horizon=6),
}
BREAKS = {
    "no look before the dot": Rules(dot_check="none"),
    "a look before the envelope only": Rules(dot_check="none", stalls=False, first_check="envelope"),
    "a look at the clock only, with a shared permit": Rules(
        senders=2, shared=True, dot_check="clock", kills=0
    ),
    "the answer before the last permit's end": Rules(answer=1),
    "a permit counted from the reply": Rules(permit_from="after the reply"),
    "rows read before the epoch": Rules(ask_again="rows first", others=True, kills=0),
    "changes by their number": Rules(ask_again="newer than seen", others=True, kills=0),
    "the epoch raised before the commit": Rules(epoch="before commit"),
    "the epoch raised after the commit, a repeated no answered at once": Rules(
        epoch="after commit", repeated="at once"
    ),
    "a repeated no answered at once": Rules(repeated="at once"),
    "the epoch in Redis, which is emptied": Rules(epoch="redis", flushes=1, kills=0),
    "the epoch in Redis, which fails over": Rules(epoch="redis", lost_writes=1, kills=0),
    "an old primary that answers": Rules(old_primary="answers", witness=False, kills=0),
    "a read for each message, and an answer at once": Rules(permits=False, answer=0, dot_check="none"),
    "a machine frozen with its clock for longer": Rules(frozen=1, kills=0),
    "a restored backup that nobody recognises": Rules(restores=1, witness=False, kills=0),
    "a no in a restored backup, whose epoch nobody compares": Rules(
        restores=1, others=True, kills=0, noes_look=False
    ),
    "a claim that no machine has noted": Rules(restores=1, others=True, kills=0, claims_note=False),
    "a halt that is not seen where the predicate is asked again": Rules(
        restores=1, others=True, kills=0, halt_shows=False
    ),
    "going on before the opt-out log is replayed": Rules(restores=1, replay_first=False, kills=0),
}
LEDGER_HOLDS = {
    "as it is": LedgerRules(),
    "killed, and no lease runs out": LedgerRules(leases_run_out=False),
    "a machine crashes": LedgerRules(kills=0, crashes=1),
    "a machine crashes, and no lease runs out": LedgerRules(kills=0, crashes=1, leases_run_out=False),
    "two kills": LedgerRules(kills=2),
    "late replies are thrown away": LedgerRules(late_replies=False),
}
LEDGER_BREAKS = {
    "a journal of replies only": LedgerRules(journal="replies", leases_run_out=False),
    "opened rows return when the lease runs out": LedgerRules(expired_opened="pending"),
    "the same, without any kill": LedgerRules(expired_opened="pending", kills=0),
    "a refused watermark that is not heeded": LedgerRules(heeds_fence=False, kills=0),
    "a journal read while its owner lives": LedgerRules(needs_lock=False, leases_run_out=False, kills=0),
    "a journal believed after a crash": LedgerRules(
        needs_boot=False, kills=0, crashes=1, leases_run_out=False
    ),
    "rows given back and kept in hand": LedgerRules(lets_go=False, kills=0),
}


@pytest.mark.parametrize(
    "rules", [*HOLDS.values(), *(FURTHER.values() if LONG else [])], ids=[*HOLDS, *(FURTHER if LONG else [])]
)
def test_nothing_that_began_after_the_answer_is_completed(rules: Rules) -> None:
    way, states = search(rules)
    print(f"{states} states")
    assert way is None, "\n".join(way)


@pytest.mark.parametrize("rules", BREAKS.values(), ids=BREAKS)
def test_each_tempting_mistake_of_the_gate_breaks_it(rules: Rules) -> None:
    assert search(rules)[0] is not None


@pytest.mark.parametrize("rules", LEDGER_HOLDS.values(), ids=LEDGER_HOLDS)
def test_nothing_is_sent_twice_or_lost(rules: LedgerRules) -> None:
    way, states = search_ledger(rules)
    print(f"{states} states")
    assert way is None, "\n".join(way)


@pytest.mark.parametrize("rules", LEDGER_BREAKS.values(), ids=LEDGER_BREAKS)
def test_each_tempting_mistake_of_the_ledger_breaks_it(rules: LedgerRules) -> None:
    assert search_ledger(rules)[0] is not None


def test_the_models_go_somewhere() -> None:
    """What is not reached cannot break; so see that the good ends are."""

    def withheld_late(world: World) -> bool:
        return world.answered and any(sender.phase == "withheld" for sender in world.senders)

    def sent(world: World) -> bool:
        return world.answered and all(sender.phase == "done" for sender in world.senders)

    def restored_and_going(world: World) -> bool:
        return bool(world.restores) and not world.halted and world.epoch > 10

    def both_accepted(ledger: Ledger) -> bool:
        return ledger.faults == 1 and all(row.status == "accepted" for row in ledger.rows)

    assert search(Rules(), withheld_late)[0]
    assert search(Rules(), sent)[0]
    assert search(Rules(restores=1), restored_and_going)[0]
    assert search_ledger(LedgerRules(), both_accepted)[0]
