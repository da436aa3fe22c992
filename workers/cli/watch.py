"""`utskick campaigns show ID --watch`: a campaign's progress until it ends or is held.

Promise: for people a bar with rate and time left, for machines one JSON object per look; both from the
ledger's accounts, so that what is shown closes at any moment. Ends by itself when nothing is to come without
a person's word.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

#: How often to look, in seconds; the rate is that of the last `RATE_SECONDS`.
LOOK_SECONDS: Final = 1.0
RATE_SECONDS: Final = 15.0
ENDED: Final = frozenset({"completed", "cancelled", "paused", "halted"})
WAITING: Final = ("pending", "sending", "deferred")

Accounts = Mapping[str, Any]


def watch(look: Callable[[], Accounts], *, as_json: bool, seconds: float = LOOK_SECONDS) -> None:
    """Show one look after the other until the campaign has ended or is held."""
    looks = _looks(look, seconds)
    if as_json:
        for found in looks:
            print(json.dumps(found, ensure_ascii=False, default=str), flush=True)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=Console()) as progress:
        task = progress.add_task("", total=None, told="")
        for found in looks:
            progress.update(
                task,
                description=f"{found['key']} {found['edition']}: {found['status']}",
                total=100 if is_expanding(found) else found["recipients"] or None,
                completed=found["expanded_percent"] if is_expanding(found) else done(found),
                told=told(found),
            )


def done(found: Accounts) -> int:
    """How many recipients wait for nothing any more."""
    total: int = found["recipients"] - sum(found[name] for name in WAITING)
    return total


def is_expanding(found: Accounts) -> bool:
    """Whether its rows are being written: the bar is then of the audience, in percent."""
    return bool(found["status"] == "expanding")


def told(found: Accounts) -> str:
    """Rate and time left, and what a person would want to know besides."""
    if is_expanding(found):
        return f"{found['recipients']:,} recipients so far"
    words = [f"{found['rate_now']:,.0f}/s"] if found["rate_now"] else []
    if found["seconds_left"] is not None:
        minutes, seconds = divmod(found["seconds_left"], 60)
        words.append(f"{minutes // 60}:{minutes % 60:02}:{seconds:02} left")
    words += [f"{found[name]:,} {name}" for name in ("rejected", "deferred", "uncertain") if found[name]]
    if found["withheld_total"]:
        words.append(f"{found['withheld_total']:,} withheld")
    return ", ".join(words)


def _looks(look: Callable[[], Accounts], seconds: float) -> Iterator[Accounts]:
    seen: deque[tuple[float, int]] = deque()
    while True:
        found = look()
        now = time.monotonic()
        seen.append((now, done(found)))
        while len(seen) > 2 and now - seen[0][0] > RATE_SECONDS:
            seen.popleft()
        yield {**found, **_pace(seen, found)}
        if found["status"] in ENDED:
            return
        time.sleep(seconds)


def _pace(seen: deque[tuple[float, int]], found: Accounts) -> dict[str, Any]:
    (began, before), (ended, after) = seen[0], seen[-1]
    rate = (after - before) / (ended - began) if ended > began else 0.0
    left = found["pending"] + found["sending"]
    return {
        "rate_now": round(rate, 1) if rate > 0 else None,
        "seconds_left": round(left / rate) if rate > 0 else None,
    }
