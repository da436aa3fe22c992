"""`utskick accounts`: who may do what; joiners and leavers."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from campaigns.delivery.leavers import cut_off
from campaigns.principal import Level
from campaigns.register import accounts as register
from campaigns.store.engine import reading, writing
from workers.cli.output import Json, answer, answer_table
from workers.cli.passwords import ask_password
from workers.cli.words import AccountName
from workers.wiring import opened, operator

accounts = App(name="accounts")
LevelWord = Annotated[str, Parameter(help="What it is trusted with: see docs/reference/access.md.")]
FromInput = Annotated[
    bool, Parameter(negative=(), help="Read the password from standard input, a line, without asking.")
]


@accounts.command
def add(
    name: AccountName,
    *,
    level: LevelWord,
    service: Annotated[
        bool, Parameter(negative=(), help="A service, which gets tokens instead of a password.")
    ] = False,
    password_stdin: FromInput = False,
    json: Json = False,
) -> None:
    """Add an account for one person, with a first password that they have to change; or for one service."""
    by, engine, trusted = operator(), opened().engine, _level(level)
    password = None if service else ask_password("First password", from_input=password_stdin)
    kind = "service" if service else "account"
    with writing(engine) as connection:
        named = register.add(connection, register.NewAccount(name, trusted, password, kind), by)
    answer({"account": named, "level": level}, f"Added {named} as {level}.", as_json=json)


@accounts.command(name="list")
def show_all(*, json: Json = False) -> None:
    """Show all accounts and their levels, those of leavers too."""
    with reading(opened().engine) as connection:
        rows = register.listing(connection, operator())
    answer_table({"accounts": rows}, rows, as_json=json)


@accounts.command
def level(name: AccountName, level: LevelWord, *, json: Json = False) -> None:
    """Give an account another level; it holds for what it does from now on."""
    with writing(opened().engine) as connection:
        register.set_level(connection, name, _level(level), operator())
    answer({"account": name, "level": level}, f"{name} is {level} now.", as_json=json)


@accounts.command
def password(name: AccountName, *, password_stdin: FromInput = False, json: Json = False) -> None:
    """Give somebody a first password again, which they have to change; ends a lock-out."""
    by, engine = operator(), opened().engine
    chosen = ask_password("First password", from_input=password_stdin)
    with writing(engine) as connection:
        register.set_first_password(connection, name, chosen, by)
    answer({"account": name}, f"{name} has a first password.", as_json=json)


@accounts.command
def disable(name: AccountName, *, json: Json = False) -> None:
    """End an account for good and at once; what it submitted and has not started waits for somebody's word."""
    left = cut_off(opened().engine, name, operator())
    told = f"Disabled {name}." if left.fresh else f"{name} was disabled."
    if left.held:
        told += f" Held: campaigns {', '.join(map(str, left.held))}; see `utskick campaigns show`."
    if left.stopped:
        told += f" Stopped: schedules {', '.join(map(str, left.stopped))}."
    value = {"account": name, "held": list(left.held), "stopped": list(left.stopped)}
    answer(value, told, as_json=json)


def _level(word: str) -> Level:
    from campaigns.errors import InputError
    from campaigns.principal import GRANTED

    if word not in GRANTED:
        raise InputError(f"there is no level {word}; there are {', '.join(GRANTED)}")
    return Level(word)
