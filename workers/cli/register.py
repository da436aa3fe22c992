"""`utskick init` and `utskick check`: the register as a whole."""

from __future__ import annotations

from cyclopts import App

from workers.cli.output import Json, answer


def add_to(app: App) -> None:
    """Add this file's commands."""
    app.command(init)
    app.command(check)


def init(*, json: Json = False) -> None:
    """Bring the database to the present schema and make the keys of a register that has none. May be repeated."""
    from campaigns.store.engine import where
    from workers.settings import load_settings
    from workers.wiring import Installation, initialise, operator

    settings = load_settings()
    initialise(settings, operator())
    result = {"database": where(Installation(settings).engine), "secrets_dir": str(settings.secrets_dir)}
    told = f"The register in {result['database']} is ready; its keys are in {result['secrets_dir']}."
    answer(result, told, as_json=json)


def check(*, json: Json = False) -> None:
    """Check settings, database, keys, queue and smarthosts. Sends nothing."""
    from campaigns.errors import FaultyInput
    from workers.cli.checks import faults
    from workers.settings import load_settings
    from workers.wiring import Installation

    settings = load_settings()
    found = faults(settings)
    if found:
        raise FaultyInput(found)
    warnings = Installation(settings).warnings
    told = "\n".join(["Everything answers.", *warnings])
    answer({"ok": True, "smarthosts": list(settings.smarthosts), "warnings": warnings}, told, as_json=json)
