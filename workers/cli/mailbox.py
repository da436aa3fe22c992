"""`utskick mailbox`: read bounces and replies from mailboxes by IMAP."""

from __future__ import annotations

from dataclasses import asdict

from cyclopts import App

from campaigns.errors import InputError
from workers.cli.output import Json, answer
from workers.settings import Settings, load_settings

mailbox = App(name="mailbox", help="Read bounces and replies from mailboxes by IMAP.")


@mailbox.command
def poll(*keys: str, json: Json = False) -> None:
    """Go once through these mailboxes of the settings, or through all of them.

    Parameters
    ----------
    keys
        The keys of `[mailboxes.KEY]`.
    """
    from workers.mailboxes import poll_all
    from workers.wiring import Installation

    settings = load_settings()
    _expect(settings, keys)
    passes = poll_all(Installation(settings), keys)
    text = "\n".join(f"{it.mailbox}: {it.taken} taken, {it.parked} parked, {it.left} left" for it in passes)
    answer({"mailboxes": [asdict(it) for it in passes]}, text, as_json=json)


@mailbox.command
def run(*, json: Json = False) -> None:
    """Go through all mailboxes again and again, until told to stop."""
    from workers.logs import set_up_logs
    from workers.mailboxes import run_mailboxes

    set_up_logs()
    settings = load_settings()
    _expect(settings, ())
    run_mailboxes(settings)
    answer({"ended": "mailbox"}, "ended", as_json=json)


def _expect(settings: Settings, keys: tuple[str, ...]) -> None:
    if not settings.mailboxes:
        raise InputError("no mailbox is configured; write a table [mailboxes.KEY]")
    for key in keys:
        if key not in settings.mailboxes:
            raise InputError(f"there is no [mailboxes.{key}]; there is {', '.join(settings.mailboxes)}")
