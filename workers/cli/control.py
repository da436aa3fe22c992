"""`utskick campaigns pause|resume|start|cancel|settle|approve`: a person's word on a campaign."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from cyclopts import Parameter

from campaigns.delivery import control, decisions
from campaigns.delivery.control import Change
from campaigns.errors import InputError
from campaigns.planning import approval
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import IN_RANGE, CampaignNumber
from workers.wiring import opened, operator

#: How long `cancel` waits for messages in the air, in seconds; the scheduler finishes what takes longer.
_PATIENCE = 10.0


def pause(campaign: CampaignNumber, *, json: Json = False) -> None:
    """Hold a campaign. When this ends with 0, no further message of it begins, on any machine."""
    _answer(control.pause(opened().engine, campaign, operator()), as_json=json)


def approve(campaign: CampaignNumber, *, json: Json = False) -> None:
    """Approve a campaign that somebody else submitted; one that waits for it goes on (`[approval]` in the settings)."""
    fresh = approval.approve(opened().engine, campaign, operator())
    answer({"approved": campaign, "fresh": fresh}, f"Approved {campaign}.", as_json=json)


def resume(campaign: CampaignNumber, *, json: Json = False) -> None:
    """Let a held campaign go on exactly where it was."""
    _answer(control.resume(opened().engine, campaign, operator()), as_json=json)


def start(campaign: CampaignNumber, *, json: Json = False) -> None:
    """Start a campaign now: before its time, or after its start was missed."""
    _answer(control.start(opened().engine, campaign, operator()), as_json=json)


def cancel(campaign: CampaignNumber, *, json: Json = False) -> None:
    """Give a campaign up for good; what has not been handed over never will be."""
    engine = opened().engine
    change = control.cancel(engine, campaign, operator())
    until = time.monotonic() + _PATIENCE
    while change.status != "cancelled" and time.monotonic() < until:
        time.sleep(0.1)
        change = Change(campaign, change.before, control.finish_cancellation(engine, campaign))
    _answer(change, as_json=json)


def settle(
    campaign: CampaignNumber,
    *,
    as_: Annotated[
        Literal["accepted", "rejected", "expired"] | None,
        Parameter(name="--as", help="What became of them, as you know it from the smarthost's log."),
    ] = None,
    resend: Annotated[
        bool, Parameter(negative=(), help="Send them again; who got the first copy gets a second.")
    ] = False,
    number: Annotated[
        tuple[int, ...],
        Parameter(
            name="--number",
            negative=(),
            show_default=False,
            validator=IN_RANGE,
            help="Only these deliveries of the campaign.",
        ),
    ] = (),
    json: Json = False,
) -> None:
    """Show the deliveries whose outcome is uncertain, or decide about them."""
    engine = opened().engine
    if as_ is not None and resend:
        raise InputError("--as and --resend are two decisions; give one")
    if as_ is not None:
        done = decisions.settle_as(engine, campaign, as_, operator(), number)
        answer({"settled": done, "as": as_}, f"{done} deliveries are {as_} now.", as_json=json)
    elif resend:
        done = decisions.resend(engine, campaign, operator(), number)
        answer({"resend": done}, f"{done} deliveries are sent again.", as_json=json)
    else:
        rows = decisions.uncertain(engine, campaign)
        answer_table({"uncertain": rows}, rows, as_json=json)


def _answer(change: Change, *, as_json: bool) -> None:
    value = {"id": change.campaign, "before": change.before, "status": change.status}
    answer(value, f"Campaign {change.campaign} was {change.before} and is {change.status}.", as_json=as_json)
