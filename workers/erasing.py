"""Erasing a person from this machine's files, after the register: messages in folders, address files, exports."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from campaigns.delivery.smarthost_url import FolderUrl, parse_smarthost_url
from campaigns.post.taking_out import take_out
from campaigns.rights.erasure import Erased
from campaigns.rights.letters import holds
from workers.sweeping import exports_folder
from workers.wiring import Installation


def erase_files(installation: Installation, erased: Erased) -> Counter[str]:
    """Remove what lies in files of ours: how many messages, rows of address files, and exports that hold the person.

    Raises:
        PrintFolderFault: a print folder cannot be written; erase the files again.
        OSError: a file cannot be removed.
    """
    settings, gone = installation.settings, Counter[str]()
    for smarthost in settings.smarthosts.values():
        url = parse_smarthost_url(smarthost.url.get_secret_value())
        if isinstance(url, FolderUrl):
            gone["messages"] += sum(_remove(url.folder / f"{c}-{n}.eml") for c, n in erased.deliveries)
    houses = {key: house.folder for key, house in settings.print_houses.items()}
    gone["printed_rows"] += take_out(installation.engine, houses, erased.deliveries)
    words = [word.encode() for word in erased.words]
    for path in exports_folder(settings).rglob("*") if words else ():
        if path.is_file() and holds(path.read_bytes(), words):
            gone["exports"] += _remove(path)
    return +gone


def _remove(path: Path) -> bool:
    there = path.exists()
    path.unlink(missing_ok=True)
    return there
