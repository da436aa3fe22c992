"""What the ledger knows of address files: which code each row was promised, which files were closed.

Promise: a row's code and the file that it goes into are on record before the row is written, and only by the batch's
present owner; a closed file, the results of its rows and to whom their data went are booked in one transaction.
`settle` finds out what a dead writer did: a closed file proves that its rows were handed over, a file that was never
closed (and that nobody has open) proves that they were not. Fails: a file that somebody is writing, changed or took
away, or a folder that is not there, is refused (`RefusedOperation`), and the rows stay as they are.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery.ledger import BatchRef, Hand, give_back_in
from campaigns.delivery.results import Carrier, Result, record_in
from campaigns.errors import NotFound, RefusedOperation
from campaigns.post.mail_id import DRAWN, draw
from campaigns.post.manifest import Manifest, read_mail_ids, read_manifest
from campaigns.post.partfile import AlreadyHandedOver
from campaigns.post.printfile import PrintFile
from campaigns.principal import WORKER
from campaigns.register import disclosures
from campaigns.register.disclosures import Given
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.upsert import insert_into


class BatchLost(RefusedOperation):
    """The batch belongs to another worker by now; nothing more of it is written here."""


@dataclass(frozen=True)
class Edition:
    """One printed edition: the post batch of a campaign, and the folder of its files."""

    batch: BatchRef
    key: str
    edition: str
    house: str
    folder: Path
    carrier: Carrier
    given: Given
    deadline: datetime | None = None


def reserve(engine: sa.Engine, hand: Hand, name: str, numbers: Iterable[int]) -> dict[int, str]:
    """Put on record that these rows go into the file `name`; returns number -> mail id.

    A row keeps the code that an earlier try drew for it.

    Raises:
        BatchLost: the batch has another owner.
    """
    table, wanted = schema.print_item, list(numbers)
    with writing(engine) as connection:
        _demand_fence(connection, hand)
        known = connection.execute(
            sa.select(table.c.number, table.c.mail_id).where(table.c.campaign_id == hand.batch.campaign)
        )
        drawn: dict[int, str] = {row.number: row.mail_id for row in known}
        taken = set(drawn.values())
        for number in wanted:
            if number not in drawn:
                drawn[number] = _fresh(taken)
        _write_items(connection, hand.batch.campaign, name, {number: drawn[number] for number in wanted})
    return {number: drawn[number] for number in wanted}


def book(engine: sa.Engine, edition: Edition, name: str, results: Sequence[Result]) -> None:
    """Record a closed file together with the results of its rows. May be done twice.

    Raises:
        Unreachable: the outcome is unknown; `settle` finds it out.
    """
    manifest = read_manifest(edition.folder / name)
    with writing(engine) as connection:
        _book(connection, edition, manifest, results)


def settle(engine: sa.Engine, edition: Edition, hand: Hand) -> int:
    """Settle the uncertain rows of a claimed batch by the files that are there; returns how many wait again.

    Raises:
        BeingWritten: an earlier owner still has a file open; try again later.
        NotFound: the folder, or a file that was handed over, is not here; put it back.
        RefusedOperation: a file was changed after it was closed; settle by hand.
    """
    left = _uncertain_rows(engine, hand)
    if any(row.file_name for row in left) and not edition.folder.is_dir():
        raise NotFound(f"{edition.folder}: is not here; rows may be handed over in it, so put it back")
    back = {row.number: row.attempt for row in left if row.file_name is None}
    closed: dict[str, list[Result]] = {}
    for name in sorted({row.file_name for row in left if row.file_name}):
        listed = _handed_over(edition.folder, name)
        for row in (row for row in left if row.file_name == name):
            if row.mail_id in listed:
                closed.setdefault(name, []).append(Result(row.number, row.attempt, "accepted"))
            else:
                back[row.number] = row.attempt
    for name, results in closed.items():
        book(engine, edition, name, results)
    with writing(engine) as connection:
        give_back_in(connection, hand.batch.campaign, back)
    return len(back)


def refuse_unknown_files(engine: sa.Engine, edition: Edition) -> None:
    """Insist that the ledger knows every closed file in the edition's folder.

    Raises:
        RefusedOperation: it does not (a database that went back in time): writing on could print twice.
    """
    table = schema.print_file.c
    with reading(engine) as connection:
        booked = set(
            connection.execute(
                sa.select(table.name).where(table.campaign_id == edition.batch.campaign)
            ).scalars()
        )
    there = {path.name.split(".")[0] + ".csv" for path in edition.folder.glob("A_*")}
    if unknown := sorted(there - booked):
        raise RefusedOperation(
            f"{edition.folder / unknown[0]} was handed over and the ledger does not know it; nothing is printed"
        )


def _book(connection: sa.Connection, edition: Edition, manifest: Manifest, results: Sequence[Result]) -> None:
    record_in(connection, edition.batch.campaign, results, edition.carrier)
    values = {
        "campaign_id": edition.batch.campaign,
        "name": manifest.file,
        "batch_no": edition.batch.batch_no,
        "print_house": edition.house,
        "sha256": manifest.sha256,
        "rows": manifest.rows,
        "closed_at": utc_now(),
    }
    fresh = connection.execute(
        insert_into(schema.print_file, connection).on_conflict_do_nothing(), values
    ).rowcount
    if fresh:
        readers = _readers(connection, edition.batch.campaign, manifest.file)
        disclosures.record(connection, edition.given, readers, WORKER)


def _readers(connection: sa.Connection, campaign: int, name: str) -> Sequence[int]:
    """The contacts that stand in a closed file."""
    delivery, item = schema.delivery.c, schema.print_item.c
    same_row = sa.and_(item.campaign_id == delivery.campaign_id, item.number == delivery.number)
    statement = (
        sa.select(delivery.contact_id)
        .join_from(schema.delivery, schema.print_item, same_row)
        .where(delivery.campaign_id == campaign, item.file_name == name, delivery.status == "accepted")
    )
    return connection.execute(statement).scalars().all()


def rewritten(connection: sa.Connection, campaign: int, name: str, sha256: str, rows: int) -> None:
    """Book what a closed file holds now that erased people have been taken out of it."""
    table = schema.print_file
    connection.execute(
        sa.update(table)
        .where(table.c.campaign_id == campaign, table.c.name == name)
        .values(sha256=sha256, rows=rows)
    )


def _handed_over(folder: Path, name: str) -> frozenset[str]:
    """The bare mail ids of a file that was closed; none where it never was, and never will be."""
    try:
        # Only who holds the lock of the part may say that nobody will close it.
        PrintFile.open(folder, name).abandon()
    except AlreadyHandedOver:
        return frozenset(printed[-DRAWN - 1 :] for printed in read_mail_ids(folder / name))
    return frozenset()


def _uncertain_rows(engine: sa.Engine, hand: Hand) -> Sequence[Any]:
    delivery, item = schema.delivery.c, schema.print_item.c
    same_row = sa.and_(item.campaign_id == delivery.campaign_id, item.number == delivery.number)
    statement = (
        sa.select(delivery.number, delivery.attempt, item.mail_id, item.file_name)
        .join_from(schema.delivery, schema.print_item, same_row, isouter=True)
        .where(
            delivery.campaign_id == hand.batch.campaign,
            delivery.number.between(hand.in_hand.first_number, hand.in_hand.last_number),
            delivery.status == "uncertain",
        )
    )
    with reading(engine) as connection:
        return connection.execute(statement).all()


def _demand_fence(connection: sa.Connection, hand: Hand) -> None:
    batch = schema.batch.c
    statement = sa.select(batch.fence).where(
        batch.campaign_id == hand.batch.campaign, batch.batch_no == hand.batch.batch_no
    )
    if connection.execute(statement.with_for_update()).scalar_one() != hand.fence:
        raise BatchLost


def _fresh(taken: set[str]) -> str:
    while (mail_id := draw(secrets.choice)) in taken:
        pass
    taken.add(mail_id)
    return mail_id


def _write_items(connection: sa.Connection, campaign: int, name: str, mail_ids: dict[int, str]) -> None:
    statement = insert_into(schema.print_item, connection)
    rows = [
        {"campaign_id": campaign, "number": number, "mail_id": mail_id, "file_name": name}
        for number, mail_id in mail_ids.items()
    ]
    renamed = statement.on_conflict_do_update(
        index_elements=["campaign_id", "number"], set_={"file_name": statement.excluded.file_name}
    )
    connection.execute(renamed, rows)
