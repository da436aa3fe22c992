"""Rows whose person has another address now than at expansion: they give up the old one before any takes a new one.

Promise: people who exchanged addresses each keep their row, whether the rows lie in one batch or in several. A row of
another batch that stands in the way holds no address until its own claim gives it the present one. Only waiting rows
are touched: one that was begun, or settled, keeps the address it was written to.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from campaigns.store import schema


def let_go_of_addresses(connection: sa.Connection, campaign: int, moved: Sequence[tuple[int, bytes]]) -> None:
    """Blank the addresses of moved rows (number, present key), and of moved rows that stand in their way."""
    if not moved:
        return
    table, contact = schema.delivery, schema.contact.c
    held = sa.case((table.c.channel == "email", contact.email_key), else_=contact.postal_key)
    present = sa.select(held).where(contact.id == table.c.contact_id).scalar_subquery()
    # A few at a time: a statement may not have parameters without end.
    for start in range(0, len(moved), 500):
        part = moved[start : start + 500]
        in_the_way = sa.and_(
            table.c.address_key.in_([key for _, key in part]), table.c.address_key.is_distinct_from(present)
        )
        connection.execute(
            sa.update(table)
            .where(
                table.c.campaign_id == campaign,
                table.c.status.in_(("pending", "deferred")),
                sa.or_(table.c.number.in_([number for number, _ in part]), in_the_way),
            )
            .values(address_key=None)
        )
