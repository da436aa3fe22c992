"""The sending side of a worker process: per thread one connection for each smarthost, and one journal.

Promise: a thread works on one batch at a time; its connection stays open between batches; writers are made
once per campaign. A smarthost that was away is left alone for a growing pause, by this process.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery.composing import Writer
from campaigns.delivery.journal import Journal
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.send import BatchReport, Desk, send_batch
from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import Transport
from campaigns.errors import NotFound, RefusedOperation
from campaigns.post.edition import PostDesk, write_edition
from campaigns.store import schema
from campaigns.store.engine import reading
from workers.gate import make_gate
from workers.wiring import Installation

_WRITERS: Final = 16
#: A batch is handed over for so many seconds at a time, so that on a slow smarthost campaigns take turns.
SLICE_SECONDS: Final = 5.0


class SendingRoom:
    """All senders of one process."""

    def __init__(self, installation: Installation, stopping: Callable[[], bool]) -> None:
        self.stopping = stopping
        self._installation = installation
        self._gate = make_gate(installation)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._plans: OrderedDict[int, _Plan] = OrderedDict()
        self._rests: dict[str, _Rest] = {}
        self._seats: list[_Seat] = []

    def send(self, ref: BatchRef) -> BatchReport | None:
        """Hand over one batch, e-mail on this thread's connection; None when it could not be claimed."""
        if self._channel(ref) == "post":
            return self._print(ref)
        plan = self._plan(ref.campaign)
        smarthost, retries = plan.smarthost, self._installation.retries
        rest = self._rests.get(smarthost, _NO_REST)
        if utc_now() < rest.until:
            return BatchReport(smarthost_away=True, due_at=rest.until)
        seat = self._seat()
        desk = Desk(
            engine=self._installation.engine,
            gate=self._gate,
            transport=seat.transport(smarthost),
            writer=plan.writer,
            carrier=self._installation.carrier(smarthost),
            journal=seat.journal,
            last_moment=plan.last_moment,
            stopping=self._slice(),
            retries=retries,
            deadline=plan.deadline,
        )
        try:
            report = send_batch(desk, ref, utc_now() + retries.smarthost_pause(rest.failures + 1))
        except BaseException:
            self._leave(seat)
            raise
        if report is not None:
            self._note(smarthost, rest, away=report.smarthost_away)
        return report

    def look(self) -> None:
        """See, also while nothing is sent, whether the register is still the one that this machine knows.

        Raises:
            GateClosed: it is not, or it is halted, or it cannot be asked.
        """
        self._gate.look()

    def _slice(self) -> Callable[[], bool]:
        """Whether to stop, since the process has to or since the time for one batch is over."""
        ends = time.monotonic() + SLICE_SECONDS
        return lambda: self.stopping() or time.monotonic() >= ends

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
        carrier = self._installation.print_carrier(house.key)
        return write_edition(
            PostDesk(self._installation.engine, self._gate, house, carrier, self.stopping), ref
        )

    def _note(self, smarthost: str, before: _Rest, *, away: bool) -> None:
        """One outage counts once, however many connections notice it."""
        with self._lock:
            if not away:
                self._rests.pop(smarthost, None)
            elif self._rests.get(smarthost, _NO_REST) == before:
                failures = before.failures + 1
                pause = self._installation.retries.smarthost_pause(failures)
                self._rests[smarthost] = _Rest(failures, utc_now() + pause)

    def close(self) -> None:
        """Close all connections and journals; no thread may be at work."""
        for seat in self._seats:
            seat.close()

    def _seat(self) -> _Seat:
        seat = getattr(self._local, "seat", None)
        if seat is None:
            seat = self._local.seat = _Seat(self._installation)
            with self._lock:
                self._seats.append(seat)
        return seat

    def _leave(self, seat: _Seat) -> None:
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
        statement = sa.select(table.sender, table.smarthost, table.expanded_at, table.deadline_at)
        with reading(self._installation.engine) as connection:
            row = connection.execute(statement.where(table.id == campaign_id)).one_or_none()
        if row is None or row.expanded_at is None:
            raise NotFound(f"campaign {campaign_id} is not there to be sent")
        author = self._installation.author(row.sender)
        writer = Writer(self._installation.engine, campaign_id, author, self._installation.stationery)
        last_moment = self._installation.retries.last_moment(row.expanded_at, row.deadline_at)
        return _Plan(writer, row.smarthost, last_moment, row.deadline_at)


@dataclass(frozen=True)
class _Plan:
    """What all batches of one campaign share."""

    writer: Writer
    smarthost: str
    last_moment: datetime
    deadline: datetime | None


@dataclass(frozen=True)
class _Rest:
    """A smarthost is left alone until then, after so many failures in a row."""

    failures: int
    until: datetime


_NO_REST: Final = _Rest(0, datetime.min.replace(tzinfo=UTC))


class _Seat:
    """What one thread holds: its journal and its connections."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.journal = Journal(journal_folder(installation), uuid.uuid4().hex)
        self._transports: dict[str, Transport] = {}

    def transport(self, smarthost: str) -> Transport:
        """This thread's connection to a smarthost; opened with the first message."""
        if smarthost not in self._transports:
            settings = self._installation.settings
            url = parse_smarthost_url(settings.smarthosts[smarthost].url.get_secret_value())
            self._transports[smarthost] = open_transport(
                url,
                ehlo_name=settings.mail_domain,
                begun=self.journal.begun,
                timeouts=self._installation.timeouts(smarthost),
            )
        return self._transports[smarthost]

    def close(self) -> None:
        """Close the connections; let go of the journal."""
        for transport in self._transports.values():
            transport.close()
        self.journal.close()


def journal_folder(installation: Installation) -> Path:
    """Where the journals of this host's senders are."""
    return installation.settings.data_dir / "journal"
