"""A register with one delivery in hand, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.register.suppression import InHand
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.support.register import CAMPAIGN, UNATTEMPTED, Register, made_register


@pytest.fixture
def register(database_url: str, tmp_path: Path) -> Iterator[Register]:
    """The register of tests/support, with its unattempted delivery claimed: it is `sending`."""
    with made_register(database_url, tmp_path / "secrets") as made:
        with writing(made.engine) as connection:
            connection.execute(
                sa.update(schema.delivery)
                .where(schema.delivery.c.number == UNATTEMPTED)
                .values(status="sending", attempt=1)
            )
        yield made


@pytest.fixture
def in_hand() -> InHand:
    """What a sender has in hand that claimed under the first epoch."""
    return InHand(CAMPAIGN, 1, UNATTEMPTED, 1)
