"""`utskick backup` and `utskick restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from workers.backup import take_backup, told
from workers.cli.output import Json, answer
from workers.restore import Restored, restore
from workers.settings import load_settings
from workers.wiring import Installation, operator

_REVIEW: Final = (
    "5. Review `utskick accounts list`: who was disabled or given less since then is back as they were. No token and "
    "no password works any more: disable who left, give the others a first password (`utskick accounts password`), "
    "and make new tokens. The host operator goes on without logging in."
)
Tools = Annotated[
    Path | None,
    Parameter(help="Where PostgreSQL's own programs lie, if not where the system has them."),
]


def backup(
    folder: Annotated[Path, Parameter(help="Where to; it is made, or must be empty.")],
    *,
    with_secrets: Annotated[
        bool, Parameter(negative=(), help="Keys and passwords too, in an archive of mode 0600.")
    ] = False,
    tools: Tools = None,
    json: Json = False,
) -> None:
    """Copy the register as it is at one moment, with checksums. Sending may go on meanwhile."""
    done = take_backup(
        Installation(load_settings(sends=False)), folder, operator(), with_secrets=with_secrets, tools=tools
    )
    text = (
        f"{folder} holds the register as of epoch {done.epoch}. Keep it apart from the secrets folder and from the "
        "opt-out logs of all machines: all three are needed to go on from it."
    )
    answer({"folder": str(folder), **told(done)}, text, as_json=json)


def restore_from(
    folder: Annotated[Path, Parameter(help="A backup.")],
    *,
    replace: Annotated[
        bool, Parameter(negative=(), help="Put it in place of what the database holds now.")
    ] = False,
    with_secrets: Annotated[
        bool, Parameter(negative=(), help="Take the keys out of the backup where there are none here.")
    ] = False,
    tools: Tools = None,
    json: Json = False,
) -> None:
    """Put a backup back. Everything is halted afterwards, and nothing is replayed by itself."""
    done = restore(
        Installation(load_settings(sends=False)),
        folder,
        operator(),
        replacing=replace,
        with_secrets=with_secrets,
        tools=tools,
    )
    steps = _next_steps(done)
    value = {
        **told(done.manifest),
        "halted": True,
        "opt_out_log_is_whole": done.log_is_whole,
        "next": steps,
    }
    lines = [f"The register is as it was at {done.manifest.made_at}, and everything is halted. Next:", *steps]
    answer(value, "\n".join(lines), as_json=json)


def _next_steps(done: Restored) -> list[str]:
    steps = [
        "1. Gather the opt-out logs of all machines.",
        "2. Run `utskick suppressions replay LOG…` with all of them: every later no is recorded again.",
        "3. Carry out again the erasures and corrections since the backup; the rights cases outside it tell which.",
        "4. Run `utskick audit accept --evidence TEXT`, where the audit log had gone on since the backup.",
        _REVIEW,
        "6. Run `utskick go --replay LOG… --all-logs`: what was open becomes uncertain, and sending goes on.",
    ]
    if done.manifest.database == "postgresql":
        steps.append("7. Grant the database's roles their rights again, where they are not the owner.")
    if done.log_is_whole is False:
        lost = "This machine's opt-out log lacks words that stood in it when the backup was taken: find out why first."
        steps.insert(0, lost)
    return steps
