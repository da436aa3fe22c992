"""Asking for a password: at the terminal without showing it, or a line of standard input."""

from __future__ import annotations

import getpass
import sys

from campaigns.errors import InputError
from workers.cli.given import standard_input


def ask_password(prompt: str, *, from_input: bool) -> str:
    """The password.

    Raises:
        InputError: nothing was given.
    """
    if from_input:
        given = standard_input().readline().decode(errors="replace").rstrip("\r\n")
    elif sys.stdin is not None and sys.stdin.isatty():
        given = getpass.getpass(f"{prompt}: ")
    else:
        raise InputError(
            "nobody is there to be asked; give the password on standard input with --password-stdin"
        )
    if not given:
        raise InputError("no password was given")
    return given
