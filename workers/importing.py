"""An import as a process runs it: the next rows are read in a thread of their own while the database takes the last.

Promise: rows come in their order; what fails while reading fails in the importing thread; whoever stops early leaves no
thread behind.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Final

import sqlalchemy as sa

from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register.intake import ImportReport, ImportRequest, Watch, import_contacts
from campaigns.register.intake_reading import Piece

_PIECES_AHEAD: Final = 2
#: Seconds after which a waiting thread looks whether it is still wanted.
_LOOK_AGAIN: Final = 0.1
#: Seconds after which a thread that only counts gives way to one that has an answer to take from the database.
_GIVE_WAY: Final = 0.0005
#: An import makes many small objects and no circles of them: collect rarely.
_COLLECT_AFTER: Final = 200_000


def run_import(
    engine: sa.Engine,
    ring: KeyRing,
    request: ImportRequest,
    principal: Principal,
    progress: Callable[[float], None] = lambda _: None,
) -> ImportReport:
    """Import a table in this process, as fast as it goes; see `import_contacts`."""
    # SQLite has one writer: reading between the pieces leaves it to others for a while.
    ahead = read_ahead if engine.dialect.name == "postgresql" else iter
    with _tuned():
        return import_contacts(engine, ring, request, principal, Watch(progress, ahead))


def read_ahead(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces, read up to two ahead."""
    ready: Queue[Piece | BaseException | None] = Queue(_PIECES_AHEAD)
    unwanted = Event()
    reader = Thread(target=_read, args=(pieces, ready, unwanted), name="reading", daemon=True)
    reader.start()
    try:
        while (piece := _taken(ready, reader)) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        unwanted.set()
        reader.join()


def _read(pieces: Iterator[Piece], ready: Queue[Piece | BaseException | None], unwanted: Event) -> None:
    try:
        for piece in pieces:
            if not _handed_on(piece, ready, unwanted):
                return
        _handed_on(None, ready, unwanted)
    except BaseException as error:  # noqa: BLE001 (raised again where the pieces are used)
        _handed_on(error, ready, unwanted)


def _handed_on(
    piece: Piece | BaseException | None, ready: Queue[Piece | BaseException | None], unwanted: Event
) -> bool:
    while not unwanted.is_set():
        try:
            ready.put(piece, timeout=_LOOK_AGAIN)
        except Full:
            continue
        return True
    return False


def _taken(ready: Queue[Piece | BaseException | None], reader: Thread) -> Piece | BaseException | None:
    while True:
        try:
            return ready.get(timeout=_LOOK_AGAIN)
        except Empty:
            if not reader.is_alive() and ready.empty():
                return None


@contextmanager
def _tuned() -> Iterator[None]:
    before, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(_GIVE_WAY)
    gc.set_threshold(_COLLECT_AFTER, *threshold[1:])
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.set_threshold(*threshold)
