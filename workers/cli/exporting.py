"""Writing an export: to a file of its owner only, or to standard output."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from campaigns.errors import InputError
from campaigns.register import mailing_lists
from campaigns.register.export import Disclosure, export
from campaigns.register.processors import allowed_recipient
from campaigns.store.engine import reading
from workers.cli.output import answer
from workers.guarding import today
from workers.wiring import Installation, operator

_OWNER_ONLY = 0o600


def write_export(
    installation: Installation,
    file: Path,
    told: tuple[str, str],
    key: str | None,
    *,
    as_table: bool,
    as_json: bool,
) -> None:
    """Write contacts to a new file, or to standard output where the file is `-`; `told` are recipient and ground.
    What cannot be written whole is taken away again."""
    if as_json and str(file) == "-":
        raise InputError("--json and - both want standard output; name a file")
    with reading(installation.engine) as connection:
        list_id = mailing_lists.get(connection, key).id if key else None
    settings = installation.settings
    to, ground = told
    recipient = allowed_recipient(settings.receivers, to, today(settings))
    disclosure = Disclosure(recipient, ground, list_id)
    pieces = export(installation.engine, disclosure, operator(), as_table=as_table)
    if str(file) == "-":
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # whatever the terminal speaks, the table is UTF-8
        for piece in pieces:
            sys.stdout.write(piece)
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            for piece in pieces:
                out.write(piece)
    except BaseException as error:
        file.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(f"{file}: {error.strerror}") from None
        raise
    answer({"file": str(file)}, f"Written to {file}.", as_json=as_json)
