"""`utskick suppressions`: record, look up and lift a "no"; replay the opt-out log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from campaigns.address import parse_domain, parse_email
from campaigns.clock import iso
from campaigns.errors import InputError, NotFound
from campaigns.keyring import KeyRing
from campaigns.register import mailing_lists, objections
from campaigns.register.business_id import business_id
from campaigns.register.companies import company_text
from campaigns.register.permit import answering_a_no
from campaigns.register.replay import replay as replay_files
from campaigns.store.engine import reading, writing
from campaigns.store.register_tables import SUPPRESSION_KINDS
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import Address, Limit, SuppressionNumber
from workers.wiring import opened, operator

suppressions = App(name="suppressions")
#: What fits a terminal of 80 columns; JSON has everything.
_SHOWN = ("id", "kind", "contact", "list_id", "channel", "origin", "recorded_at")
OperatorKind = Literal["objection", "manual", "restricted", "hard_bounce"]


@suppressions.command
def add(
    address: Annotated[str | None, Parameter(help="The mailbox that says no.")] = None,
    *,
    company: Annotated[str | None, Parameter(help="Instead: a company, by business id, or by name.")] = None,
    domain: Annotated[str | None, Parameter(help="Instead: everybody at a mail domain.")] = None,
    kind: Annotated[OperatorKind, Parameter(help="What kind of no it is.")] = "manual",
    evidence: Annotated[str, Parameter(help="What it rests on, e.g. letter of 2026-11-12.")],
    list: Annotated[str | None, Parameter(help="Only for the list with this key.")] = None,  # noqa: A002 (the option's name)
    purpose: Annotated[str | None, Parameter(help="Only for this purpose.")] = None,
    channel: Annotated[
        Literal["email", "post"] | None, Parameter(help="Only on this channel; without it, on every one.")
    ] = None,
    json: Json = False,
) -> None:
    """Record a "no"; it binds when the command ends with 0. A company's also holds for people added later."""
    installation = opened()
    keys = _concerned(installation.ring, address, company, domain)
    with reading(installation.engine) as connection:
        list_id = mailing_lists.get(connection, list).id if list else 0
    scope = objections.Scope(list_id, purpose or "", "email" if kind == "hard_bounce" else channel or "")
    noes = [objections.No(kind, key, scope, "operator", evidence) for key in keys]
    with answering_a_no(installation.engine) as connection:
        recorded = [objections.suppress(connection, no, operator()) for no in noes]
    new = any(recorded)
    answer({"recorded": new}, "Recorded." if new else "Stood already.", as_json=json)


def _concerned(
    ring: KeyRing, address: str | None, company: str | None, domain: str | None
) -> Sequence[objections.SubjectKey]:
    if sum(given is not None for given in (address, company, domain)) != 1:
        raise InputError("name an address, or --company, or --domain: one of them")
    if address is not None:
        return objections.address_keys(ring, parse_email(address))
    if domain is not None:
        return objections.domain_keys(ring, parse_domain(domain))
    known = business_id(company or "")
    by_id = any(sign.isdigit() for sign in known)
    return objections.company_keys(ring, known if by_id else company_text(company or "", ""))


@suppressions.command
def check(address: Address, *, json: Json = False) -> None:
    """Show what stands against an address."""
    installation = opened()
    keys = installation.ring.fingerprints("address", parse_email(address).comparison_text)
    with writing(installation.engine) as connection:
        rows = [_plain(row) for row in objections.look_up(connection, keys, operator())]
    answer_table({"suppressed": bool(rows), "suppressions": rows}, rows, as_json=json)


@suppressions.command(name="list")
def show_all(
    *,
    kind: Annotated[str, Parameter(help="Only of this kind, such as objection or hard_bounce.")] = "",
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show what stands, newest first. Addresses are not kept: whose it is, is told where the register knows them."""
    if kind and kind not in SUPPRESSION_KINDS:
        raise InputError(f"there is no kind {kind!r}; there are {', '.join(SUPPRESSION_KINDS)}")
    with writing(opened().engine) as connection:
        rows = objections.listed(connection, kind, limit, operator())
    shown = [{name: row[name] for name in _SHOWN} for row in rows]
    answer_table({"suppressions": rows}, shown, as_json=json)


@suppressions.command
def lift(
    suppression: SuppressionNumber,
    *,
    evidence: Annotated[str, Parameter(help="The person's own fresh wish, and where it is kept.")],
    json: Json = False,
) -> None:
    """Lift one "no" on evidence."""
    installation = opened()
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
    installation = opened()
    done = replay_files(installation.engine, files or [installation.settings.opt_out_file], operator())
    text = (
        f"{done.lines} lines: {done.recorded} recorded, {done.stood} stood already, {done.lifted} lifted later, "
        f"{done.foreign} of other registers, {done.unreadable} cannot be read."
    )
    answer(asdict(done), text, as_json=json)


def _plain(row: Any) -> dict[str, Any]:
    names = ("id", "kind", "list_id", "purpose", "channel", "origin", "evidence", "recorded_by")
    return {**{name: row[name] for name in names}, "recorded_at": iso(row["recorded_at"])}
