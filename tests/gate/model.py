"""Every interleaving of the gate's protocol, within small bounds.

One person says no, once, through a web process that may be killed and is then asked again. One or two senders, each
with one message to that person: threads of one process, or processes of their own. Time is a number that may grow
between any two steps; a stall is nothing but that. The promise is broken when a message whose first octet left after
the answer is completed (`Sender.phase` is `BROKEN`).

`Rules` are the protocol. Each of its fields has the value that `campaigns` uses, and others that are tempting and
wrong; tests/gate/test_model.py sees that each of those breaks the promise. That nothing is found says: not within these
bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tests.gate.exploring import Steps, explore


@dataclass(frozen=True)
class Rules:
    """The protocol, the bounds, and what goes wrong around it."""

    #: Where the epoch is raised: in the transaction of the "no", before its commit, after it, or in Redis after it.
    epoch: Literal["row", "before commit", "after commit", "redis"] = "row"
    #: What the look before the final dot asks: all, the clock alone, or nothing.
    dot_check: Literal["all", "clock", "none"] = "all"
    #: What the first look stands before.
    first_check: Literal["body", "envelope"] = "body"
    #: How the predicate is asked again: epoch and rows in one snapshot, rows first, or changes by their number.
    ask_again: Literal["snapshot", "rows first", "newer than seen"] = "snapshot"
    #: When the clock is read for a permit.
    permit_from: Literal["before the question", "after the reply"] = "before the question"
    #: What a repeated "no" gets.
    repeated: Literal["waits", "at once"] = "waits"
    #: Whether a sender holds a permit, or reads the database for each message.
    permits: bool = True
    #: What a restored backup meets: whether machines remember, whether the opt-out log is replayed before going on.
    witness: bool = True
    replay_first: bool = True
    #: Whether whoever records a "no" compares the epoch with what its machine has seen.
    noes_look: bool = True
    #: Whether a claim notes its epoch, and whether a halt shows where the predicate is asked again.
    claims_note: bool = True
    halt_shows: bool = True
    #: A fail-over: an old primary still answers the first process, or is fenced.
    old_primary: Literal["none", "answers", "fenced"] = "none"
    #: Bounds.
    permit: int = 2
    answer: int = 2
    horizon: int = 5
    senders: int = 1
    shared: bool = False
    stalls: bool = True
    kills: int = 1
    flushes: int = 0
    lost_writes: int = 0
    restores: int = 0
    frozen: int = 0
    others: bool = False


class Sender(NamedTuple):
    """One connection with one message. `began`: 0 no, 1 before the answer, 2 after it."""

    phase: str = "free"
    refused: bool = False
    checked: int = 0
    seen_id: int = 0
    began: int = 0


class Office(NamedTuple):
    """The permit of one process: the epoch it shows and its end. While it asks: since when, what its machine had seen
    before, and what the database replied."""

    epoch: int = 0
    until: int = 0
    asked: int = -1
    known: int = 0
    reply: int = -1


class World(NamedTuple):
    """Everything at one moment."""

    now: int = 0
    no: bool = False
    epoch: int = 1
    redis: int = 1
    replica: int = 1
    web: str = "idle"
    committed: int = 0
    answered: bool = False
    logged: bool = False
    other: bool = False
    halted: bool = False
    witness: int = 1
    old: tuple[bool, int] | None = None
    kills: int = 0
    flushes: int = 0
    restores: int = 0
    lag: int = 0
    senders: tuple[Sender, ...] = (Sender(), Sender())
    offices: tuple[Office, ...] = (Office(), Office())


class GateModel:
    """The steps that a world may take under some rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def start(self) -> World:
        """Nobody has done anything."""
        offices = (Office(),) * (1 if self.rules.shared else self.rules.senders)
        return World(senders=(Sender(),) * self.rules.senders, offices=offices)

    def steps(self, world: World) -> Steps:
        """All steps from here, named."""
        if all(sender.phase in _OVER for sender in world.senders):
            return
        for name, following in self._all_steps(world):
            yield name, self._tidied(following)

    def _all_steps(self, world: World) -> Steps:
        yield from self._time(world)
        yield from self._web(world)
        yield from self._around(world)
        for number in range(len(world.offices)):
            yield from self._office(world, number)
        for number in range(len(world.senders)):
            yield from self._sender(world, number)

    def _tidied(self, world: World) -> World:
        """Forget what makes no difference any more, so that fewer worlds differ."""
        senders = tuple(Sender(item.phase) if item.phase in _OVER else item for item in world.senders)
        offices = world.offices
        if not self.rules.shared:
            offices = tuple(
                Office(epoch=office.epoch) if sender.phase in _OVER else office
                for sender, office in zip(senders, offices, strict=True)
            )
        if world.web == "done":
            world = world._replace(committed=0)
        return world._replace(senders=senders, offices=offices)

    # Time and trouble

    def _time(self, world: World) -> Steps:
        at_the_wire = any(sender.phase == "cleared" for sender in world.senders)
        if world.now < self.rules.horizon and (self.rules.stalls or not at_the_wire):
            later = world._replace(now=world.now + 1)
            yield "time passes", later
            if world.lag < self.rules.frozen:
                yield "the first machine and its clock stand still", later._replace(lag=world.lag + 1)

    def _around(self, world: World) -> Steps:
        rules = self.rules
        if rules.others and not world.other:
            yield (
                "somebody else's no, with a later number, commits",
                self._raised(world)._replace(other=True),
            )
        if world.flushes < rules.flushes:
            yield "flush: Redis is emptied", world._replace(redis=0, flushes=world.flushes + 1)
        if rules.lost_writes and world.replica != world.redis:
            yield "Redis replicates", world._replace(replica=world.redis)
            yield "Redis fails over and loses its last write", world._replace(redis=world.replica)
        if rules.old_primary != "none" and world.old is None:
            yield "the database fails over", world._replace(old=(world.no, world.epoch))
        if world.restores < rules.restores:
            back = world._replace(no=False, epoch=1, restores=world.restores + 1)
            yield "restore: the first backup is put back", back
        if world.halted and world.epoch < _LEAP:
            no = world.no or (rules.replay_first and world.logged)
            yield "a person says go", world._replace(halted=False, no=no, epoch=world.epoch + _LEAP)

    # Who says no

    def _web(self, world: World) -> Steps:
        rules, raised = self.rules, world.epoch + 1
        if world.web == "idle":
            early = raised if rules.epoch == "before commit" else world.epoch
            yield "record", world._replace(web="recorded", epoch=early)
        elif world.web == "recorded":
            if rules.epoch == "row":
                yield "commit", self._waiting(self._raised(world)._replace(no=True))
            elif rules.epoch == "before commit":
                yield "commit", self._waiting(world._replace(no=True))
            else:
                yield "commit", world._replace(no=True, web="to be raised")
        elif world.web == "to be raised":
            yield "raise the epoch", self._waiting(self._raised_apart(world))
        elif world.web == "waiting" and world.now - world.committed >= rules.answer:
            yield "answer", world._replace(web="done", answered=True)
        elif world.web == "killed":
            yield from self._asked_again(world)
        if world.kills < rules.kills and world.web in ("recorded", "to be raised", "waiting"):
            yield "kill: the web process", world._replace(web="killed", kills=world.kills + 1)

    def _asked_again(self, world: World) -> Steps:
        if not world.no:
            yield "the caller asks again", world._replace(web="idle")
        elif self.rules.repeated == "at once":
            yield "answer: it stands already", world._replace(web="done", answered=True)
        elif self.rules.epoch in ("row", "before commit"):
            yield "repeat: raise, wait", self._waiting(self._raised(world))
        else:
            yield "repeat: raise, wait", self._waiting(self._raised_apart(world))

    def _raised(self, world: World) -> World:
        """Raised in the transaction of a "no"; whoever finds it lower than it was seen before halts everything."""
        looks = self.rules.witness and self.rules.noes_look and self.rules.epoch == "row"
        older = looks and world.epoch < world.witness
        return world._replace(epoch=world.epoch + 1, halted=world.halted or older)

    def _noted(self, world: World, epoch: int) -> World:
        """The epoch of a claim, noted on its machine."""
        noted = self.rules.claims_note and self.rules.epoch == "row"
        return world._replace(witness=max(world.witness, epoch)) if noted else world

    def _raised_apart(self, world: World) -> World:
        if self.rules.epoch == "redis":
            return world._replace(redis=world.redis + 1)
        return world._replace(epoch=world.epoch + 1)

    def _waiting(self, world: World) -> World:
        """The log and the witness of the web's machine are written before the answer; the wait begins."""
        witness = max(world.witness, world.epoch)
        return world._replace(web="waiting", committed=world.now, logged=True, witness=witness)

    # What a process sees of the database

    def _seen(self, world: World, process: int) -> tuple[bool, int] | None:
        if world.old is not None and process == 0:
            return world.old if self.rules.old_primary == "answers" else None
        return world.no, (world.redis if self.rules.epoch == "redis" else world.epoch)

    def _clock(self, world: World, process: int) -> int:
        return world.now - world.lag if process == 0 else world.now

    # The permit

    def _office(self, world: World, number: int) -> Steps:
        office, clock = world.offices[number], self._clock(world, number)
        durable = self.rules.epoch == "row"

        def to(**values: int) -> World:
            return world._replace(offices=_put(world.offices, number, office._replace(**values)))

        if office.asked < 0:
            needed = any(sender.phase in ("claimed", "body") for sender in self._senders_of(world, number))
            if needed and (
                clock >= office.until or (self.rules.shared and office.until < clock + self.rules.permit)
            ):
                yield (
                    f"process {number} asks for a permit",
                    to(asked=clock, known=max(world.witness, office.epoch) if durable else 0),
                )
            return
        idle = {"asked": -1, "known": 0, "reply": -1}
        if office.reply < 0:
            seen = self._seen(world, number)
            if seen is None or world.halted:
                yield f"process {number} gets no permit", to(**idle)
            else:
                yield f"the database replies to process {number}: epoch {seen[1]}", to(reply=seen[1])
            return
        if self.rules.witness and office.reply < office.known:
            yield f"process {number} sees an older register: halt", to(**idle)._replace(halted=True)
            return
        since = office.asked if self.rules.permit_from == "before the question" else clock
        permit = to(epoch=office.reply, until=since + self.rules.permit, **idle)
        witness = max(world.witness, office.reply) if durable else world.witness
        yield f"process {number} has a permit for epoch {office.reply}", permit._replace(witness=witness)

    def _senders_of(self, world: World, process: int) -> tuple[Sender, ...]:
        return world.senders if self.rules.shared else (world.senders[process],)

    # The senders

    def _sender(self, world: World, number: int) -> Steps:
        sender, process = world.senders[number], 0 if self.rules.shared else number

        def to(phase: str, **values: Any) -> World:
            senders = _put(world.senders, number, sender._replace(phase=phase, **values))
            return world._replace(senders=senders)

        name, rules = f"sender {number}", self.rules
        if world.kills < rules.kills and sender.phase not in ("free", "done", "BROKEN", "withheld"):
            killed = world._replace(kills=world.kills + 1, senders=_put(world.senders, number, Sender()))
            yield f"kill: {name}", killed
        if sender.phase == "free":
            yield from self._claim(world, number, process)
        elif sender.phase in ("claimed", "body"):
            yield from self._look(world, number, process)
        elif sender.phase == "announced":
            yield f"{name}: 354 comes", to("cleared")
        elif sender.phase == "cleared":
            yield f"{name}: body, its first octet", to("body", began=2 if world.answered else 1)
        elif sender.phase == "completing":
            yield f"{name}: dot", to("BROKEN" if sender.began == 2 else "done")
        elif sender.phase == "noting":
            seen = self._seen(world, process)
            if seen is not None:
                yield f"{name}: notes the epoch", to(_before(sender), checked=seen[1])

    def _claim(self, world: World, number: int, process: int) -> Steps:
        seen = self._seen(world, process)
        if seen is None or world.halted:
            return
        no, epoch = seen
        phase = "withheld" if no else "claimed"
        fresh = Sender(phase, no, epoch, self._newest(world))
        claimed = self._noted(world, epoch)._replace(senders=_put(world.senders, number, fresh))
        yield f"sender {number}: claim", claimed

    def _look(self, world: World, number: int, process: int) -> Steps:
        """The check before the body, and the one before the dot."""
        rules, sender, name = self.rules, world.senders[number], f"sender {number}"

        def to(phase: str, **values: Any) -> World:
            senders = _put(world.senders, number, sender._replace(phase=phase, **values))
            return world._replace(senders=senders)

        if sender.phase == "body" and rules.dot_check == "none":
            yield f"{name}: goes on without a look", to("completing")
            return
        if not rules.permits:
            seen = self._seen(world, process)
            if seen is not None:
                yield f"{name}: reads the register", to("withheld" if seen[0] else self._after(sender))
            return
        office = world.offices[process]
        if self._clock(world, process) >= office.until:
            return
        clock_only = sender.phase == "body" and rules.dot_check == "clock"
        moved = sender.checked != office.epoch if rules.epoch == "redis" else sender.checked < office.epoch
        if moved and not clock_only:
            yield from self._ask_again(world, number, process)
        elif sender.refused and not clock_only:
            yield f"{name}: withheld, the connection is cut", to("withheld")
        else:
            yield f"{name}: looks, all is well", to(self._after(sender))

    def _after(self, sender: Sender) -> str:
        if sender.phase == "body":
            return "completing"
        return "announced" if self.rules.first_check == "envelope" else "cleared"

    def _ask_again(self, world: World, number: int, process: int) -> Steps:
        sender, seen = world.senders[number], self._seen(world, process)
        if seen is None or (world.halted and self.rules.halt_shows):
            return
        no, epoch = seen
        if self.rules.ask_again == "snapshot":
            asked = sender._replace(refused=no, checked=epoch)
        elif self.rules.ask_again == "rows first":
            asked = sender._replace(refused=no, phase="noting")
        else:
            loaded = no and sender.seen_id < _OUR_ID
            asked = sender._replace(
                refused=sender.refused or loaded,
                checked=epoch,
                seen_id=max(sender.seen_id, self._newest(world)),
            )
        yield f"sender {number}: asks again", world._replace(senders=_put(world.senders, number, asked))

    def _newest(self, world: World) -> int:
        return _OTHER_ID if world.other else _OUR_ID if world.no else 0


_LEAP = 10
_OVER = ("done", "withheld", "BROKEN")
#: Numbers of the two rows in the order in which they were given, which is not that of their commits.
_OUR_ID, _OTHER_ID = 1, 2


def _before(sender: Sender) -> str:
    """Where a sender goes on that has asked again: before its body or after it."""
    return "body" if sender.began else "claimed"


def _put(items: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    return (*items[:index], item, *items[index + 1 :])


def broken(world: World) -> bool:
    """Whether a message that began after the answer was completed."""
    return any(sender.phase == "BROKEN" for sender in world.senders)


def search(rules: Rules, wanted: Callable[[World], bool] = broken) -> tuple[list[str] | None, int]:
    """The shortest way to what is wanted under these rules, and the number of states."""
    model = GateModel(rules)
    return explore(model.start(), model.steps, wanted)
