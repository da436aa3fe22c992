"""`utskick halt` and `utskick go`: stop everything, and go on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from campaigns.delivery import restart
from campaigns.errors import RefusedOperation
from campaigns.register.replay import Replay, replay
from workers.cli.output import Json, answer
from workers.wiring import Installation, opened, operator


def halt(
    *,
    reason: Annotated[str, Parameter(help="Why; shown by every process that waits.")] = "asked",
    restored: Annotated[
        bool, Parameter(negative=(), help="The database was restored from a backup: see `utskick go`.")
    ] = False,
    json: Json = False,
) -> None:
    """Stop everything. When this ends with 0, no further message begins, on any machine."""
    fresh = restart.halt(opened().engine, reason, operator(), restored=restored)
    answer({"halted": True, "fresh": fresh}, "Everything is halted; `utskick go` ends it.", as_json=json)


def go(
    *,
    replay_log: Annotated[
        tuple[Path, ...],
        Parameter(
            name="--replay",
            negative=(),
            show_default=False,
            help="Opt-out logs of the other machines; this machine's is always replayed.",
        ),
    ] = (),
    all_logs: Annotated[
        bool,
        Parameter(negative=(), help="After a restored backup: these are the opt-out logs of all machines."),
    ] = False,
    json: Json = False,
) -> None:
    """End a halt. After a restored backup the opt-out logs are replayed first, and what was open becomes uncertain."""
    installation = opened()
    replayed = _replay(installation, replay_log, all_logs=all_logs)
    done = restart.go(installation.engine, operator())
    value = {"halted": False, **asdict(done), "replayed": asdict(replayed) if replayed else None}
    answer(value, _told(done, replayed), as_json=json)


def _replay(installation: Installation, files: tuple[Path, ...], *, all_logs: bool) -> Replay | None:
    if not restart.present_halt(installation.engine).restored:
        return None
    if not all_logs:
        raise RefusedOperation(
            "the register was restored from a backup: give the opt-out logs of all other machines with --replay, "
            "and say --all-logs when there are no more"
        )
    own = installation.settings.opt_out_file
    return replay(installation.engine, [*([own] if own.exists() else []), *files], operator())


def _told(done: restart.Restart, replayed: Replay | None) -> str:
    if not done.was_halted:
        return "Nothing was halted."
    if replayed is None:
        return "Sending goes on."
    return (
        f"{replayed.recorded} words of the opt-out logs were recorded, {replayed.stood} stood already. "
        f"{done.uncertain} deliveries are uncertain now (`utskick campaigns settle`), {done.held} campaigns that had "
        "not started are paused. Sending goes on."
    )
