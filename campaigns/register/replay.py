"""Putting the opt-out log back into a register that was restored from a backup.

Promise: afterwards every "no" of the files stands in the register, but for those that a later word of the files lifted;
doing it again changes nothing. Nothing is lifted: what stands in the register stays. A line about another register, or
one that cannot be read, is counted and left alone. What is recorded binds when this returns, and is audited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, get_args

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso
from campaigns.principal import Principal
from campaigns.register import audit, objections, subscriptions
from campaigns.register.opt_out_log import LoggedLine, incarnation, last_word, read_log
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import reading

_AT_A_TIME: Final = 500


@dataclass(frozen=True)
class Replay:
    """What came of it: lines read, words newly recorded, words that stood already, words lifted later, lines of other
    registers, lines that cannot be read."""

    lines: int
    recorded: int
    stood: int
    lifted: int
    foreign: int
    unreadable: int


def replay(engine: sa.Engine, files: Iterable[Path], principal: Principal) -> Replay:
    """Replay the logs of all machines.

    Raises:
        InputError: a file cannot be read; nothing was recorded.
        Unreachable: the database is away or the outcome is unknown; do it again.
    """
    demand(principal, Operation.SUPPRESSION_REPLAY)
    read = [line for file in files for line in read_log(file)]
    with reading(engine) as connection:
        here = incarnation(connection)
    ours = [line for line in read if line is not None and line.register == here]
    last = last_word(ours)
    noes = [line for line in last if line.said.word != "lift"]
    recorded = 0
    for start in range(0, len(noes), _AT_A_TIME):
        recorded += _record(engine, noes[start : start + _AT_A_TIME], principal)
    unreadable = read.count(None)
    return Replay(
        lines=len(read),
        recorded=recorded,
        stood=len(noes) - recorded,
        lifted=len(last) - len(noes),
        foreign=len(read) - unreadable - len(ours),
        unreadable=unreadable,
    )


def _record(engine: sa.Engine, lines: Sequence[LoggedLine], principal: Principal) -> int:
    with answering_a_no(engine, logged=False) as connection:
        recorded = sum(_again(connection, line, principal) for line in lines)
        entry = audit.Entry(
            principal,
            "register:suppression:replay",
            [],
            f"opt-out log from {iso(lines[0].at)} to {iso(lines[-1].at)}",
            None,
            {"words": len(lines), "recorded": recorded},
        )
        audit.write(connection, entry)
    return recorded


def _again(connection: sa.Connection, line: LoggedLine, principal: Principal) -> bool:
    said, evidence = line.said, f"opt-out log, {iso(line.at)}"
    if said.word == "leave":
        if not _is_the_same(connection, line):
            return False
        wish = subscriptions.Unsubscription(said.contact, said.list_id, said.origin, evidence)
        return subscriptions.unsubscribe(connection, wish, principal)
    key = objections.SubjectKey(_subject(said.subject), said.key_id, bytes.fromhex(said.key))
    scope = objections.Scope(said.list_id, said.purpose, said.channel)
    until = datetime.fromisoformat(said.until) if said.until else None
    no = objections.No(_kind(said.kind), key, scope, said.origin, evidence, until)
    return objections.suppress(connection, no, principal)


def _is_the_same(connection: sa.Connection, line: LoggedLine) -> bool:
    """Whether the contact with that number is the person who left: numbers that were given after the backup are given
    again, to others who came later."""
    contact = schema.contact.c
    created: datetime | None = connection.execute(
        sa.select(contact.created_at).where(contact.id == line.said.contact)
    ).scalar_one_or_none()
    return created is not None and created <= line.at


def _kind(word: str) -> objections.SuppressionKind:
    known: tuple[objections.SuppressionKind, ...] = get_args(objections.SuppressionKind)
    for kind in known:
        if kind == word:
            return kind
    raise ValueError(f"{word!r} is no kind of suppression")


def _subject(word: str) -> objections.Subject:
    known: tuple[objections.Subject, ...] = get_args(objections.Subject)
    for subject in known:
        if subject == word:
            return subject
    raise ValueError(f"{word!r} is no subject of a suppression")
