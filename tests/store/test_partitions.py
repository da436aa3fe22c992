"""On PostgreSQL a campaign's rows lie in the partition of its range, made ahead, one statement to drop."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from campaigns.errors import RefusedOperation
from campaigns.store import partitions, schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.migrate import migrate
from tests.support.register import MOMENT


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    made = make_engine(postgres_url)
    migrate(made)
    yield made
    made.dispose()


def row(campaign: int, number: int = 1) -> dict[str, object]:
    """A delivery that waits."""
    return {
        "campaign_id": campaign, "number": number, "channel": "email", "contact_id": number, "list_id": 1,
        "language": "sv", "address_key": b"k%d" % number, "status": "pending", "expanded_at": MOMENT,
    }  # fmt: skip


def partition_of(engine: sa.Engine, campaign: int) -> str:
    with reading(engine) as connection:
        name = sa.select(sa.text("tableoid::regclass::text")).select_from(schema.delivery)
        return str(connection.execute(name.where(schema.delivery.c.campaign_id == campaign)).scalar_one())


def test_rows_go_to_the_partition_of_their_campaign(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.insert(schema.delivery), [row(99), row(100)])
    assert (
        partition_of(engine, 99)
        == partitions.partition("delivery", 99)
        == "utskick_ledger.delivery_000000000"
    )
    assert partition_of(engine, 100) == "utskick_ledger.delivery_000000100"


def test_partitions_are_made_ahead_and_once(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="no partition"), writing(engine) as connection:
        connection.execute(sa.insert(schema.delivery), row(777))
    assert partitions.make_ahead(engine, 777) > 0
    assert partitions.make_ahead(engine, 777) == 0
    with writing(engine) as connection:
        connection.execute(sa.insert(schema.delivery), row(777))
    assert partition_of(engine, 777) == "utskick_ledger.delivery_000000700"


def test_the_unique_keys_hold_in_every_partition(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.insert(schema.delivery), row(5))
    same_contact = {**row(5, 2), "contact_id": 1}
    same_address = {**row(5, 3), "address_key": b"k1"}
    for twice in (same_contact, same_address):
        with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
            connection.execute(sa.insert(schema.delivery), twice)


def test_a_role_that_may_not_make_them_is_told_who_may(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.text("CREATE ROLE utskick_partition_test NOLOGIN"))
        connection.execute(sa.text("GRANT USAGE ON SCHEMA utskick_ledger TO utskick_partition_test"))
    try:
        limited = make_engine(engine.url.render_as_string(hide_password=False))
        sa.event.listen(limited, "connect", lambda raw, _: raw.execute("SET ROLE utskick_partition_test"))
        with pytest.raises(RefusedOperation, match="utskick init"):
            partitions.make_ahead(limited, 5_000)
        limited.dispose()
    finally:
        with writing(engine) as connection:
            connection.execute(sa.text("DROP OWNED BY utskick_partition_test"))
            connection.execute(sa.text("DROP ROLE utskick_partition_test"))


def test_a_claim_and_a_result_touch_no_index(engine: sa.Engine) -> None:
    rows = 300
    with writing(engine) as connection:
        connection.execute(sa.insert(schema.delivery), [row(5, number) for number in range(1, rows + 1)])
    table, touched = schema.delivery, 0
    partition = sa.func.to_regclass(partitions.partition("delivery", 5))
    for status, more in (("sending", {"attempt": 1}), ("uncertain", {"settled_at": MOMENT})):
        with writing(engine) as connection:
            before = connection.execute(sa.select(sa.func.pg_stat_get_xact_tuples_hot_updated(partition)))
            was = before.scalar_one()
            connection.execute(sa.update(table).values(status=status, **more))
            after = connection.execute(sa.select(sa.func.pg_stat_get_xact_tuples_hot_updated(partition)))
            touched += after.scalar_one() - was
    assert touched == 2 * rows
