"""`utskick rights disclose`: the package that answers a request for access or portability."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from campaigns.content.model import CONTROLLER_FIELDS
from campaigns.errors import InputError
from campaigns.rights.dossier import Keeper
from workers.settings import Settings

_OWNER_ONLY = 0o600


def keeper(settings: Settings) -> Keeper:
    """Who answers, as the settings say it."""
    controller = {name: str(getattr(settings.controller, name)) for name in CONTROLLER_FIELDS}
    windows = settings.retention.model_dump()
    days = {name.removesuffix("_days"): value for name, value in windows.items() if name.endswith("_days")}
    return Keeper(controller, {key: settings.processor(key) for key in settings.processors}, days)


def refuse_used(folder: Path) -> None:
    """See that a folder may be made.

    Raises:
        InputError: there is something of that name.
    """
    if folder.exists():
        raise InputError(f"{folder} exists; name a folder that is to be made")


def write_package(folder: Path, package: Mapping[str, bytes]) -> None:
    """Write a package into a new folder, for its owner's eyes only."""
    folder.mkdir(mode=0o700, parents=True)
    for name, content in package.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as out:
            out.write(content)
