"""Retention as it is run: the register's sweep, and this machine's files.

Promise: the register is swept once a day, whoever leads; the files of a machine by the scheduler or the command that
runs there. A journal whose owner lives is never touched. What went is logged and told by kind, in numbers.
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from campaigns.clock import utc_now
from campaigns.delivery.journal import SUFFIX
from campaigns.post.old_files import remove_old
from campaigns.principal import SCHEDULER, Principal
from campaigns.rights import holds
from campaigns.rights.retention import Report, Sweeper, sweep
from campaigns.rights.windows import Windows
from campaigns.store.engine import reading
from workers.settings import Settings
from workers.wiring import Installation

log = structlog.get_logger()


def windows(settings: Settings) -> Windows:
    """The windows that the settings say."""
    return settings.retention.windows({name: field.retention_days for name, field in settings.fields.items()})


def exports_folder(settings: Settings) -> Path:
    """Where exports lie that are to go by themselves."""
    return settings.data_dir / "exports"


def sweeper(installation: Installation) -> Sweeper:
    """What sweeps the register of an installation."""
    return Sweeper(installation.engine, installation.ring, windows(installation.settings))


def sweep_all(
    installation: Installation, principal: Principal, *, dry_run: bool, now: datetime | None = None
) -> Report:
    """Sweep the register and this machine's files, or count what would go.

    Raises:
        RefusedOperation: a file cannot be removed.
        Unreachable: the database is away.
    """
    of_files = sweep_files(installation, dry_run=dry_run, now=now)
    report = sweep(sweeper(installation), principal, now=now, dry_run=dry_run)
    report = report or Report()
    report.gone.update(of_files)
    return report


def sweep_files(
    installation: Installation, *, dry_run: bool = False, now: datetime | None = None
) -> Counter[str]:
    """This machine's print files, exports and left journals; how many of each went.

    Raises:
        RefusedOperation: a file cannot be removed.
        Unreachable: the database is away.
    """
    settings, now = installation.settings, now or utc_now()
    limits, gone = windows(settings), Counter[str]()
    with reading(installation.engine) as connection:
        held = holds.kinds(connection)
        kept = list(connection.execute(holds.campaigns()).scalars())
    if "print_files" not in held:
        houses = {key: house.folder for key, house in settings.print_houses.items()}
        before = limits.before("print_files", now)
        gone["print_files"] = remove_old(installation.engine, houses, before, kept=kept, dry_run=dry_run)
    if "exports" not in held:
        old = list(_older(exports_folder(settings), "*", limits.before("exports", now)))
        gone["exports"] = sum(dry_run or _removed(path) for path in old)
    old = list(_older(settings.data_dir / "journal", f"*{SUFFIX}", limits.before("journals", now)))
    gone["journals"] = sum(_is_left(path) and (dry_run or _removed(path)) for path in old)
    return +gone


def _older(folder: Path, pattern: str, before: datetime) -> Iterator[Path]:
    for path in folder.rglob(pattern):
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < before.timestamp():
                yield path


def _is_left(path: Path) -> bool:
    """Whether the owner of a journal is dead: then nobody holds its lock."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _removed(path: Path) -> bool:
    with suppress(FileNotFoundError):
        path.unlink()
    return True


class Sweeping:
    """The scheduler's part: the register when this process leads, its machine's files always, each once a day."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._register_day: date | None = None
        self._files_day: date | None = None

    def look(self, *, leads: bool) -> None:
        """Sweep what has not been swept today.

        Raises:
            RefusedOperation, Unreachable: not everything went; look again.
        """
        installation = self._installation
        today = utc_now().astimezone(ZoneInfo(installation.settings.time_zone)).date()
        if leads and self._register_day != today:
            report = sweep(sweeper(installation), SCHEDULER, day=today)
            self._register_day = today
            if report is not None:
                log.info("retention swept", **report.plain())
        if self._files_day != today:
            gone = sweep_files(installation)
            self._files_day = today
            if gone:
                log.info("files removed", **gone)
