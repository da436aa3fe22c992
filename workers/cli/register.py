"""`utskick init` and `utskick check`: the register as a whole."""

from __future__ import annotations

from cyclopts import App

from campaigns.delivery.smarthost import probe
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.errors import Fault, FaultyInput, UtskickError
from campaigns.store.engine import reading, where
from workers.broker import connected
from workers.cli.output import Json, answer
from workers.settings import Settings, load_settings
from workers.wiring import Installation, initialise, operator


def add_to(app: App) -> None:
    """Add this file's commands."""
    app.command(init)
    app.command(check)


def init(*, json: Json = False) -> None:
    """Bring the database to the present schema and make the keys of a register that has none. May be repeated."""
    settings = load_settings()
    initialise(settings, operator())
    installation = Installation(settings)
    result = {"database": where(installation.engine), "secrets_dir": str(settings.secrets_dir)}
    answer(
        result,
        f"The register in {result['database']} is ready; its keys are in {result['secrets_dir']}.",
        as_json=json,
    )


def check(*, json: Json = False) -> None:
    """Check settings, database, keys, queue and smarthosts. Sends nothing."""
    settings = load_settings()
    faults = [fault for fault in (_database(settings), _queue(settings)) if fault]
    faults += _senders(settings)
    for key in settings.smarthosts:
        problem = _smarthost(settings, key)
        if problem:
            faults.append(Fault(f"smarthosts.{key}", problem))
    if faults:
        raise FaultyInput(faults)
    answer({"ok": True, "smarthosts": list(settings.smarthosts)}, "Everything answers.", as_json=json)


def _database(settings: Settings) -> Fault | None:
    try:
        installation = Installation(settings)
        with reading(installation.engine):
            installation.ring  # noqa: B018 (holds the keys against the register)
    except UtskickError as error:
        return Fault("database", str(error))
    return None


def _senders(settings: Settings) -> list[Fault]:
    faults = []
    for key in settings.senders:
        try:
            Installation(settings).author(key)
        except UtskickError as error:
            faults.append(Fault(f"senders.{key}.dkim", str(error)))
    return faults


def _queue(settings: Settings) -> Fault | None:
    try:
        with connected(settings):
            return None
    except UtskickError as error:
        return Fault("queue", str(error))


def _smarthost(settings: Settings, key: str) -> str | None:
    url = parse_smarthost_url(settings.smarthosts[key].url.get_secret_value())
    return probe(url, ehlo_name=settings.mail_domain)
