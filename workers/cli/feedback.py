"""`utskick feedback`: read and apply mail that came back."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from campaigns.errors import InputError
from campaigns.feedback.ingest import ingest as apply_mail
from campaigns.feedback.reader import read_report
from workers.cli.output import Json, answer
from workers.settings import load_settings
from workers.wiring import Installation, operator

#: Files, or `-` for standard input, which would else read as an option.
Files = Annotated[str, Parameter(allow_leading_hyphen=True)]

feedback = App(name="feedback")


@feedback.command
def parse(*files: Files, json: Json = False) -> None:  # noqa: ARG001 (the answer is JSON Lines either way)
    """Say what messages report, as JSON Lines; changes nothing."""
    for file in files:
        print(jsonlib.dumps({"file": file, **read_report(_read(file)).as_contract()}, ensure_ascii=False))


@feedback.command
def ingest(*files: Files, json: Json = False) -> None:
    """Apply messages to the register; - reads one from standard input."""
    installation = Installation(load_settings())
    done = [
        {
            "file": file,
            "consequences": apply_mail(
                installation.engine, installation.tokens, _read(file), None, operator()
            ),
        }
        for file in files
    ]
    text = "\n".join(f"{item['file']}: {', '.join(item['consequences'])}" for item in done)
    answer({"messages": done}, text, as_json=json)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
