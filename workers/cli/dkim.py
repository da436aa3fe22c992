"""`utskick dkim`: keys of our own signatures, and what to publish for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cyclopts import App

from workers.cli.output import Json, answer
from workers.cli.words import DkimKey
from workers.settings import load_settings

if TYPE_CHECKING:
    from campaigns.delivery.dkim_keys import Record

dkim = App(name="dkim")


@dkim.command
def new(key: DkimKey, *, json: Json = False) -> None:
    """Make the private keys of [dkim.KEY] in the secrets folder and print what to publish in DNS."""
    from campaigns.delivery.dkim_keys import make_keys
    from workers.signing import identity

    settings = load_settings(sends=False)
    _answer(key, make_keys(settings.secrets_dir, identity(settings, key)), as_json=json)


@dkim.command
def show(key: DkimKey, *, json: Json = False) -> None:
    """Print what is to be published in DNS for [dkim.KEY]."""
    from campaigns.delivery.dkim_keys import records
    from workers.signing import identity

    settings = load_settings(sends=False)
    _answer(key, records(settings.secrets_dir, identity(settings, key)), as_json=json)


def _answer(key: str, published: Sequence[Record], *, as_json: bool) -> None:
    listed = [{"name": record.name, "type": "TXT", "text": record.text} for record in published]
    answer(
        {"key": key, "records": listed},
        "\n".join(record.zone_line for record in published),
        as_json=as_json,
    )
