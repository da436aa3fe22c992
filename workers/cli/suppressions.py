"""`utskick suppressions`: record, look up and lift a "no"; replay the opt-out log."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from campaigns.address import parse_email
from campaigns.clock import iso
from campaigns.errors import NotFound
from campaigns.register import objections
from campaigns.register.permit import answering_a_no
from campaigns.register.replay import replay as replay_files
from campaigns.store.engine import reading
from workers.cli.output import Json, answer, answer_table
from workers.settings import load_settings
from workers.wiring import Installation, operator

suppressions = App(name="suppressions")
OperatorKind = Literal["objection", "manual", "restricted", "hard_bounce"]


@suppressions.command
def add(
    address: str,
    *,
    kind: OperatorKind = "manual",
    evidence: Annotated[str, Parameter(help="What it rests on, e.g. letter of 2026-11-12.")],
    channel: Literal["email", "post"] | None = None,
    json: Json = False,
) -> None:
    """Record a "no" for an address; it binds when the command ends with 0."""
    installation = _opened()
    scope = objections.Scope(channel="email" if kind == "hard_bounce" else channel or "")
    keys = objections.address_keys(installation.ring, parse_email(address))
    noes = [objections.No(kind, key, scope, "operator", evidence) for key in keys]
    with answering_a_no(installation.engine) as connection:
        recorded = [objections.suppress(connection, no, operator()) for no in noes]
    new = any(recorded)
    answer({"recorded": new}, "Recorded." if new else "Stood already.", as_json=json)


@suppressions.command
def check(address: str, *, json: Json = False) -> None:
    """Show what stands against an address."""
    installation = _opened()
    keys = installation.ring.fingerprints("address", parse_email(address).comparison_text)
    with reading(installation.engine) as connection:
        rows = [_plain(row) for row in objections.standing(connection, keys)]
    answer_table({"suppressed": bool(rows), "suppressions": rows}, rows, as_json=json)


@suppressions.command
def lift(
    suppression: int,
    *,
    evidence: Annotated[str, Parameter(help="The person's own fresh wish, and where it is kept.")],
    json: Json = False,
) -> None:
    """Lift one "no" on evidence."""
    installation = _opened()
    with answering_a_no(installation.engine) as connection:  # for the epoch and the opt-out log
        lifted = objections.lift(connection, suppression, evidence, operator())
    if not lifted:
        raise NotFound(
            f"no suppression {suppression} stands; `utskick suppressions check` shows those of an address"
        )
    answer({"lifted": suppression}, f"Lifted {suppression}.", as_json=json)


@suppressions.command
def replay(
    *files: Annotated[Path, Parameter(help="The opt-out logs of all machines; left out: this machine's.")],
    json: Json = False,
) -> None:
    """Record again what the opt-out logs say; may be repeated. Binds when the command ends with 0."""
    installation = _opened()
    done = replay_files(installation.engine, files or [installation.settings.opt_out_file], operator())
    text = (
        f"{done.lines} lines: {done.recorded} recorded, {done.stood} stood already, {done.lifted} lifted later, "
        f"{done.foreign} of other registers, {done.unreadable} cannot be read."
    )
    answer(asdict(done), text, as_json=json)


def _opened() -> Installation:
    installation = Installation(load_settings())
    installation.ring  # noqa: B018 (refuse a register whose keys are lost or foreign)
    return installation


def _plain(row: Any) -> dict[str, Any]:
    names = ("id", "kind", "list_id", "purpose", "channel", "origin", "evidence", "recorded_by")
    return {**{name: row[name] for name in names}, "recorded_at": iso(row["recorded_at"])}
