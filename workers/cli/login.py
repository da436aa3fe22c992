"""`utskick login`: prove who you are, and get a token file for some hours."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from campaigns.register import access_tokens, accounts
from campaigns.store.engine import writing
from workers.cli.output import Json, answer
from workers.cli.passwords import ask_password
from workers.cli.words import AccountName
from workers.settings import load_settings
from workers.wiring import Installation


def login(
    name: AccountName,
    *,
    file: Annotated[
        Path | None, Parameter(help="Where the token goes; login-NAME.token in data_dir.")
    ] = None,
    new_password: Annotated[bool, Parameter(negative=(), help="Choose a new password as well.")] = False,
    password_stdin: Annotated[
        bool,
        Parameter(negative=(), help="Read the password (and a new one) from standard input, a line each."),
    ] = False,
    json: Json = False,
) -> None:
    """Prove who you are; the token file is yours alone and lasts for some hours."""
    settings = load_settings(sends=False)
    engine = Installation(settings).engine
    given = ask_password("Password", from_input=password_stdin)
    chosen = ask_password("New password", from_input=password_stdin) if new_password else None
    table = settings.accounts
    oldest = timedelta(days=table.password_days) if table.password_days else None
    proven = accounts.prove(engine, name, given, accounts.PasswordRules(oldest), new_password=chosen)
    with writing(engine) as connection:
        token = access_tokens.log_in(connection, proven, timedelta(hours=table.login_hours))
    path = file or settings.data_dir / f"login-{name}.token"
    _write(path, token)
    told = f"Logged in as {proven.name} ({proven.level}) for {table.login_hours:g} hours.\nexport UTSKICK_TOKEN={path}"
    answer({"account": proven.name, "level": proven.level, "file": str(path)}, told, as_json=json)


def _write(path: Path, token: str) -> None:
    """Put the token in a file of its owner alone, in the place of an older one."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
