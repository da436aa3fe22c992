"""Taking erased people out of address files that still lie in our folder.

Promise: a file that the print house has not fetched loses the rows of these mail ids and keeps all others, octet for
octet; its manifest counts what is left, and the register's note of it is changed too. A file that is not there any more
is left to whoever has it. Parts that a dead writer left behind, which count for nothing, are removed. Fails with
`PrintFolderFault` where the folder cannot be written; doing it again goes on from there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from campaigns.post.booking import rewritten
from campaigns.post.edition import edition_folder
from campaigns.post.manifest import DELIMITER, ENCODING, LINE_END, manifest_path, read_manifest
from campaigns.post.partfile import disk, remove_left_parts
from campaigns.store import schema
from campaigns.store.engine import reading, writing

_OWNER_ONLY: Final = 0o600


def take_out(engine: sa.Engine, houses: Mapping[str, Path], deliveries: Collection[tuple[int, int]]) -> int:
    """Take the rows of these deliveries out of what lies in the print houses' folders; how many rows.

    Raises:
        PrintFolderFault: a folder cannot be written.
        InputError: a manifest cannot be read.
        Unreachable: the database is away.
    """
    for folder in houses.values():
        remove_left_parts(folder)
    taken = 0
    for (campaign, path), ids in _files(engine, houses, deliveries).items():
        if path.exists():
            taken += _rewrite(engine, campaign, path, ids)
    return taken


def _files(
    engine: sa.Engine, houses: Mapping[str, Path], deliveries: Collection[tuple[int, int]]
) -> dict[tuple[int, Path], set[str]]:
    """The mail ids to take out, by campaign and file."""
    item, file, campaign = schema.print_item.c, schema.print_file.c, schema.campaign.c
    found: dict[tuple[int, Path], set[str]] = {}
    with reading(engine) as connection:
        for number, place in deliveries:
            statement = (
                sa.select(item.mail_id, item.file_name, file.print_house, campaign.key, campaign.edition)
                .join_from(schema.print_item, schema.campaign, campaign.id == item.campaign_id)
                .join(
                    schema.print_file,
                    sa.and_(file.campaign_id == item.campaign_id, file.name == item.file_name),
                )
                .where(item.campaign_id == number, item.number == place)
            )
            for row in connection.execute(statement):
                if row.print_house in houses:
                    folder = edition_folder(houses[row.print_house], number, row.key, row.edition)
                    found.setdefault((number, folder / row.file_name), set()).add(row.mail_id)
    return found


def _rewrite(engine: sa.Engine, campaign: int, path: Path, ids: set[str]) -> int:
    with disk(path):
        lines = path.read_bytes().decode(ENCODING).split(LINE_END)
    kept = [line for line in lines if _code(line) not in ids]
    if len(kept) == len(lines):
        return 0
    octets = LINE_END.join(kept).encode(ENCODING)
    rows = list(csv.DictReader(io.StringIO(octets.decode(ENCODING), newline=""), delimiter=DELIMITER))
    manifest = replace(
        read_manifest(path),
        sha256=hashlib.sha256(octets).hexdigest(),
        rows=len(rows),
        copies=sum(int(row["copies"]) for row in rows),
        countries=dict(sorted(Counter(row["country_code"] for row in rows).items())),
        versions=dict(sorted(Counter(row["version"] for row in rows).items())),
    )
    with disk(path):
        _replace(path, octets)
        _replace(manifest_path(path), manifest.to_json())
    with writing(engine) as connection:
        rewritten(connection, campaign, path.name, manifest.sha256, manifest.rows)
    return len(lines) - len(kept)


def _code(line: str) -> str:
    """The code of a row, which the ledger knows it by; the file has the edition before it."""
    return line.split(DELIMITER, 1)[0].strip('"').rpartition(":")[2]


def _replace(path: Path, octets: bytes) -> None:
    fresh = path.with_name(f".{path.name}.anew")
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY), "wb"
    ) as stream:
        stream.write(octets)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
