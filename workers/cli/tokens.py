"""`utskick tokens`: what programs prove themselves with."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from campaigns.register import access_tokens
from campaigns.store.engine import reading, writing
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import IN_RANGE, AccountName, TokenNumber
from workers.wiring import opened, operator

tokens = App(name="tokens")


@tokens.command
def add(
    account: AccountName,
    *,
    days: Annotated[int, Parameter(validator=IN_RANGE, help="How long it lasts.")] = 365,
    scope: Annotated[
        tuple[str, ...],
        Parameter(negative=(), help="Only for this operation, e.g. campaign_submit. May be repeated."),
    ] = (),
    json: Json = False,
) -> None:
    """Make a token for a program of a service (service:NAME) or a person and print it, this once."""
    wanted = access_tokens.NewToken(account, timedelta(days=days), scope or None)
    with writing(opened().engine) as connection:
        token = access_tokens.issue(connection, wanted, operator())
    answer({"token": token}, token, as_json=json)


@tokens.command(name="list")
def show_all(*, json: Json = False) -> None:
    """Show the tokens that are worth something, log-ins too; not what they are."""
    with reading(opened().engine) as connection:
        rows = access_tokens.listing(connection, operator())
    answer_table({"tokens": rows}, rows, as_json=json)


@tokens.command
def revoke(token: TokenNumber, *, json: Json = False) -> None:
    """Make a token worthless at once."""
    with writing(opened().engine) as connection:
        fresh = access_tokens.revoke(connection, token, operator())
    answer({"revoked": token}, "Revoked." if fresh else "It was worth nothing any more.", as_json=json)
