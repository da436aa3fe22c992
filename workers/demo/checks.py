"""What must be true when the demo is over, asked of the mail, the print files and the register, not of the demo.

Promise: `violations` is empty only if the accounts of every campaign close, every accepted message lies exactly once in
the sink and every accepted letter exactly once in a print file, and nobody got a message after their no.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import reading
from workers.demo.news import Kept

_CLOSED = ("accepted", "rejected", "withheld_total", "uncertain", "expired", "cancelled")
_OPEN = ("pending", "sending", "deferred")


@dataclass(frozen=True)
class Outcome:
    """What a run left behind: accounts, mail in order of arrival, print files, who said no and when."""

    campaigns: Sequence[dict[str, Any]]
    mail: Sequence[Kept]
    print_files: Sequence[Path]
    gone: frozenset[str]
    said_no_after: int


def violations(engine: sa.Engine, outcome: Outcome) -> list[str]:
    """Everything that should not have happened, a sentence each."""
    with reading(engine) as connection:
        accepted = accepted_by_channel(connection)
        refusals = said_no(connection)
    return [
        *_open_accounts(outcome.campaigns),
        *_copies("message", accepted["email"], [kept.message_id for kept in outcome.mail]),
        *_copies(
            "letter",
            accepted["post"],
            [mail_id for path in outcome.print_files for mail_id in _letters(path)],
        ),
        *(
            f"{kept.path.name} went to somebody who had said no"
            for kept in outcome.mail[outcome.said_no_after :]
            if kept.recipient in outcome.gone
        ),
        *_kept_noes(outcome.campaigns[-1]["withheld"], refusals),
    ]


def accepted_by_channel(connection: sa.Connection) -> Counter[str]:
    """How many deliveries were accepted, by channel, over all campaigns."""
    row = schema.delivery.c
    counted = (
        sa.select(row.channel, sa.func.count().label("deliveries"))
        .where(row.status == "accepted")
        .group_by(row.channel)
    )
    return Counter({found.channel: found.deliveries for found in connection.execute(counted)})


def said_no(connection: sa.Connection) -> dict[str, int]:
    """How many people have unsubscribed, and how many addresses are known to be dead."""
    subscription, suppression = schema.subscription.c, schema.suppression.c
    people = sa.select(sa.func.count(subscription.contact_id.distinct()))
    addresses = sa.select(sa.func.count(suppression.subject_key.distinct()))
    return {
        "unsubscribed": connection.execute(people.where(subscription.status == "unsubscribed")).scalar_one(),
        "bounced": connection.execute(
            addresses.where(suppression.kind == "hard_bounce", suppression.lifted_at.is_(None))
        ).scalar_one(),
    }


def _open_accounts(campaigns: Sequence[dict[str, Any]]) -> Iterator[str]:
    for campaign in campaigns:
        total = sum(campaign[name] for name in (*_CLOSED, *_OPEN))
        if total != campaign["recipients"]:
            yield f"campaign {campaign['id']}: {total} accounted for of {campaign['recipients']}"
        if sum(campaign["withheld"].values()) != campaign["withheld_total"]:
            yield f"campaign {campaign['id']}: the reasons do not add up to {campaign['withheld_total']} withheld"
        if any(campaign[name] for name in _OPEN) or campaign["status"] != "completed":
            yield f"campaign {campaign['id']} is {campaign['status']} and not closed"


def _copies(what: str, accepted: int, names: Sequence[str]) -> Iterator[str]:
    for name, copies in Counter(names).items():
        if copies > 1:
            yield f"the {what} {name} was handed over {copies} times"
    if len(set(names)) != accepted:
        yield f"{accepted} {what}s are accepted, {len(set(names))} have arrived"


def _letters(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["mail_id"] for row in csv.DictReader(file, delimiter=";")]


def _kept_noes(withheld: dict[str, int], refusals: dict[str, int]) -> Iterator[str]:
    for reason, count in (("unsubscribed", refusals["unsubscribed"]), ("hard_bounce", refusals["bounced"])):
        if withheld.get(reason, 0) != count:
            yield f"{count} are known as {reason}, the last edition withheld {withheld.get(reason, 0)}"
