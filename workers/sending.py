"""The sending side of a worker process: threads at their seats, the routes they take, the limits they keep.

Promise: a thread works on one batch at a time, on one smarthost, which is chosen anew for each; its
connection stays open between batches; writers are made once per campaign. Where a limit is reached nothing is
claimed.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.composing import Writer
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.pacing import LONGEST_SLEEP, LONGEST_WAIT
from campaigns.delivery.send import BatchReport, Desk, send_batch
from campaigns.delivery.smarthost import probe
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import Timeouts
from campaigns.errors import GuardRefused, NotFound, RefusedOperation
from campaigns.post.edition import PostDesk, write_edition
from campaigns.register.processors import guard
from campaigns.store import schema
from campaigns.store.engine import reading
from workers import metrics
from workers.braking import Braking
from workers.gate import make_gate
from workers.guarding import guard_print_house
from workers.metrics import GateView
from workers.pacing import Pacer
from workers.pass_pace import PassPace
from workers.routes import FORBIDDEN_SECONDS, Inspection, Routes
from workers.seats import Counter, Seat
from workers.shared_limits import SharedLimits
from workers.wiring import Installation

log = structlog.get_logger()

_WRITERS: Final = 16
#: A batch is handed over for so many seconds at a time, so that on a slow smarthost campaigns take turns.
SLICE_SECONDS: Final = 5.0
#: A batch rests for so many seconds when all connections to its smarthost are in use.
CROWDED_SECONDS: Final = 1.0
#: Probing is impatient: whoever does it sends nothing meanwhile.
PROBING: Final = Timeouts(connect=10, greeting=30, ehlo=30)


class SendingRoom:
    """All senders of one process."""

    def __init__(
        self, installation: Installation, stopping: Callable[[], bool], shared: SharedLimits | None = None
    ) -> None:
        self.stopping = stopping
        self._installation = installation
        self.pacer = Pacer(installation.settings, installation.engine, shared)
        self._gate = make_gate(installation)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._plans: OrderedDict[int, _Plan] = OrderedDict()
        self.routes = Routes(_inspection(installation, self.pacer), installation.retries)
        self._braking = Braking(installation.engine, installation.settings.brakes.brakes())
        self._seats: list[Seat] = []

    def send(self, ref: BatchRef) -> BatchReport | None:
        """Hand over one batch, e-mail on this thread's connection; None when it could not be claimed."""
        if self._channel(ref) == "post":
            return self._print(ref)
        plan = self._plan(ref.campaign)
        smarthost = self.routes.choose(plan.route)
        if isinstance(smarthost, datetime):
            return BatchReport(smarthost_away=True, due_at=smarthost)
        seat = self.seat()
        with seat.lock:
            return self._hand_over(ref, plan, smarthost, seat)

    def _hand_over(self, ref: BatchRef, plan: _Plan, smarthost: str, seat: Seat) -> BatchReport | None:
        pace = PassPace(self.pacer, seat.hand, smarthost, plan.sender)
        began, began_at = utc_now(), time.monotonic()
        try:
            counter = seat.counter(smarthost)
            wait = self._wait(pace) if counter is not None else self._rest(CROWDED_SECONDS)
            if counter is None or wait:
                metrics.WAITS.labels(smarthost).inc()
                return BatchReport(paced_until=utc_now() + timedelta(seconds=wait))
            desk = self._desk(plan, smarthost, counter, pace)
            report = send_batch(desk, ref, self._pause_until(plan, smarthost))
        except BaseException:
            self._leave(seat)
            raise
        finally:
            pace.finish()
        if report is not None:
            self._note(ref, smarthost, report, began)
            if not pace.active:
                accepted = report.statuses.get("accepted", 0)
                seat.hand.meter(smarthost).note(accepted, time.monotonic() - began_at)
        return report

    def _desk(self, plan: _Plan, smarthost: str, counter: Counter, pace: PassPace) -> Desk:
        return Desk(
            engine=self._installation.engine,
            gate=self._gate,
            transport=counter.transport,
            writer=plan.writer,
            carrier=self._installation.carrier(smarthost),
            journal=counter.journal,
            last_moment=plan.last_moment,
            stopping=self._slice(),
            retries=self._installation.retries,
            deadline=plan.deadline,
            pace=pace,
        )

    def _wait(self, pace: PassPace) -> float:
        """Wait for the first turn before a batch is claimed, up to a second; how many seconds are left to wait."""
        ends = time.monotonic() + LONGEST_WAIT
        while wait := pace.open():
            if time.monotonic() + wait > ends or self.stopping():
                return self._rest(wait)
            time.sleep(wait)
        return 0.0

    def _rest(self, seconds: float) -> float:
        """Have this thread rest where nothing can be done anyway, so that it does not go round the queue for nothing;
        the seconds, for the batch."""
        ends = time.monotonic() + min(seconds, LONGEST_WAIT)
        while time.monotonic() < ends and not self.stopping():
            time.sleep(LONGEST_SLEEP)
        return seconds

    def _pause_until(self, plan: _Plan, smarthost: str) -> datetime:
        """When a batch is due again whose smarthost turns out to be away: at once where another can take over."""
        if self.routes.another(plan.route, smarthost):
            return utc_now()
        return utc_now() + self._installation.retries.shortest_pause

    def _note(self, ref: BatchRef, smarthost: str, report: BatchReport, began: datetime) -> None:
        if report.smarthost_away:
            self.routes.failed(smarthost, began)
        elif report.statuses.get("accepted"):
            self.routes.worked(smarthost)
        self._braking.add(ref.campaign, report)
        metrics.count_pass(smarthost, report)

    def show(self, view: GateView) -> None:
        """Show how the gate, the smarthosts and their speeds are, for metrics."""
        view.show(self._gate.permit)
        for smarthost in self._installation.settings.smarthosts:
            metrics.WELL.labels(smarthost).set(self.routes.is_well(smarthost))
            metrics.SPEED.labels(smarthost).set(self.pacer.speed(f"smarthost:{smarthost}"))

    def tend(self) -> None:
        """What is to be done now and then beside sending: close what is idle, judge campaigns."""
        for seat in list(self._seats):
            seat.tend()
        self._braking.tend()

    def hold_slots(self) -> None:
        """Hold on to the slots at smarthosts."""
        for seat in list(self._seats):
            seat.hold_slots()

    def hold_leases(self) -> None:
        """Renew the leases of the batches that threads are at work on.

        Raises:
            Unreachable: the database is away.
        """
        owners = [owner for seat in list(self._seats) if seat.lock.locked() for owner in seat.owners()]
        if owners:
            ledger.hold_leases(self._installation.engine, owners)

    def look(self) -> None:
        """See, also while nothing is sent, whether the register is still the one that this machine knows.

        Raises:
            GateClosed: it is not, or it is halted, or it cannot be asked.
        """
        self._gate.look()

    def _slice(self) -> Callable[[], bool]:
        """Whether to stop, since the process has to or since the time for one batch is over.

        The time runs from the first question, after the claim: however slow that was, a row goes in every slice.
        """
        ends: float | None = None

        def is_over() -> bool:
            nonlocal ends
            now = time.monotonic()
            ends = now + SLICE_SECONDS if ends is None else ends
            return self.stopping() or now >= ends

        return is_over

    def _channel(self, ref: BatchRef) -> str | None:
        table = schema.batch.c
        statement = sa.select(table.channel).where(
            table.campaign_id == ref.campaign, table.batch_no == ref.batch_no
        )
        with reading(self._installation.engine) as connection:
            return connection.execute(statement).scalar_one_or_none()

    def _print(self, ref: BatchRef) -> BatchReport | None:
        house = self._installation.print_house
        if house is None:
            raise RefusedOperation(
                "there is no [print_houses.main] in the settings; the printed edition waits"
            )
        try:
            guard_print_house(self._installation.settings, house.key)
        except GuardRefused as error:
            log.warning("print house forbidden", print_house=house.key, problem=str(error))
            return BatchReport(smarthost_away=True, due_at=utc_now() + timedelta(seconds=FORBIDDEN_SECONDS))
        carrier = self._installation.print_carrier(house.key)
        report = write_edition(
            PostDesk(self._installation.engine, self._gate, house, carrier, self.stopping), ref
        )
        if report is not None:
            metrics.count_pass(carrier.smarthost, report)
        return report

    def close(self) -> None:
        """Close all connections and journals; no thread may be at work."""
        for seat in self._seats:
            seat.close()
        self._braking.close()

    def seat(self) -> Seat:
        """The place of the calling thread."""
        seat = getattr(self._local, "seat", None)
        if seat is None:
            seat = self._local.seat = Seat(self._installation, self.pacer)
            with self._lock:
                self._seats.append(seat)
        return seat

    def _leave(self, seat: Seat) -> None:
        """Give a seat up in the middle of a batch: its journal tells the next look what to settle."""
        self._local.seat = None
        with self._lock:
            self._seats.remove(seat)
        seat.close()

    def _plan(self, campaign_id: int) -> _Plan:
        with self._lock:
            known = self._plans.get(campaign_id)
            if known is None:
                known = self._plans[campaign_id] = self._new_plan(campaign_id)
                if len(self._plans) > _WRITERS:
                    self._plans.popitem(last=False)
            return known

    def _new_plan(self, campaign_id: int) -> _Plan:
        table = schema.campaign.c
        statement = sa.select(table.sender, table.expanded_at, table.deadline_at)
        with reading(self._installation.engine) as connection:
            row = connection.execute(statement.where(table.id == campaign_id)).one_or_none()
        if row is None or row.expanded_at is None:
            raise NotFound(f"campaign {campaign_id} is not there to be sent")
        author = self._installation.author(row.sender)
        writer = Writer(self._installation.engine, campaign_id, author, self._installation.stationery)
        last_moment = self._installation.retries.last_moment(row.expanded_at, row.deadline_at)
        route = self._installation.settings.senders[row.sender].route
        return _Plan(writer, row.sender, route, last_moment, row.deadline_at)


@dataclass(frozen=True)
class _Plan:
    """What all batches of one campaign share."""

    writer: Writer
    sender: str
    route: tuple[str, ...]
    last_moment: datetime
    deadline: datetime | None


def _inspection(installation: Installation, pacer: Pacer) -> Inspection:
    settings = installation.settings

    def may_be_used(smarthost: str, today: date) -> None:
        guard(settings.smarthost_processor(smarthost), today)

    def problem(smarthost: str) -> str | None:
        url = parse_smarthost_url(settings.smarthosts[smarthost].url.get_secret_value())
        return probe(url, ehlo_name=settings.mail_domain, timeouts=PROBING)

    return Inspection(may_be_used, problem, pacer.today)
