"""HTTP as uvicorn speaks it, but not for ever: a client that does not say what it wants, or does not take its answer,
is hung up on.

Promise: a connection that sends no whole request head within `HEAD_SECONDS` ends, however slowly it drips; so does one
whose request is not answered and taken within `ANSWER_SECONDS`. How long a body may take is `workers.web.bodies`'.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


class PatientProtocol(H11Protocol):
    """One connection."""

    HEAD_SECONDS: ClassVar[float] = 20.0
    ANSWER_SECONDS: ClassVar[float] = 120.0

    _clock: asyncio.TimerHandle | None = None
    _seen: object = None
    _busy = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; only a whole head ends the wait for it."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn does not say that there is none at first
        busy = cycle is not None and not cycle.response_complete
        if self._clock is not None and (self._seen, self._busy) == (cycle, busy):
            return
        self._stop()
        self._seen, self._busy = cycle, busy
        if not self.transport.is_closing():
            seconds = self.ANSWER_SECONDS if busy else self.HEAD_SECONDS
            self._clock = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
