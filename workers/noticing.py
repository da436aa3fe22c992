"""From settings to the facts of the notice and of the record of processing."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.register.processors import SELF, Processor
from campaigns.rights.notice import Facts
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.store.migrate import schema_is_current
from workers.settings import Settings
from workers.sweeping import windows
from workers.wiring import Installation


def facts_of(installation: Installation) -> Facts:
    """What is configured now; the lists of a register that is not made yet are none.

    Raises:
        Unreachable: the database is away.
    """
    settings = installation.settings
    controller = {
        name: str(value) for name, value in settings.controller.model_dump().items() if isinstance(value, str)
    }
    return Facts(
        controller,
        tuple(processors_in_use(settings)),
        windows(settings),
        tuple(installation.fields.values()),
        tuple(_lists(installation)),
        settings.segments.minimum_group,
        tuple(table.recipient(key) for key, table in settings.recipients.items()),
    )


def processors_in_use(settings: Settings) -> list[Processor]:
    """Every processor that something of ours goes to or comes from, in the order of the settings."""
    used = {settings.smarthost_processor(key).key for key in settings.smarthosts}
    used |= {settings.print_house_processor(key).key for key in settings.print_houses}
    used |= {hook.processor for hook in settings.webhooks.values()}
    used |= {box.whose for box in settings.mailboxes.values()}
    return [settings.processor(key) for key in settings.processors if key in used - {SELF}]


def _lists(installation: Installation) -> list[tuple[str, str]]:
    if not schema_is_current(installation.engine):
        return []
    table = schema.mailing_list.c
    with reading(installation.engine) as connection:
        rows = connection.execute(sa.select(table.name, table.kind).order_by(table.id)).all()
    return [(row.name, row.kind) for row in rows]
