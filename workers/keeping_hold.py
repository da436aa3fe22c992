"""What a process holds while its threads are at work, held on to by a thread of its own.

Promise: a lease of a batch and a slot at a smarthost do not run out while the thread that has them is at work, however
long the smarthost keeps it waiting, also while the process is being stopped. A process that stands still or dies renews
nothing, and loses both. Servers that are away are asked again at the next turn.
"""

from __future__ import annotations

import threading
from typing import Final, Self

import structlog

from campaigns.errors import UtskickError
from workers.sending import SendingRoom

log = structlog.get_logger()

#: How often it looks, in seconds; a slot is held for fifteen.
LOOK_SECONDS: Final = 2.0
#: Leases last a minute, and are renewed this often, in looks.
LOOKS_PER_LEASE: Final = 5


class Keeping:
    """Keeps what a room holds until it is closed. Usable as a context."""

    def __init__(self, room: SendingRoom) -> None:
        self._room = room
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeping hold", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        looks = 0
        while not self._over.wait(LOOK_SECONDS):
            looks += 1
            try:
                self._room.hold_slots()
                if looks % LOOKS_PER_LEASE == 0:
                    self._room.hold_leases()
            except (UtskickError, OSError) as error:
                log.warning("cannot hold on to what is in hand", problem=type(error).__name__)
