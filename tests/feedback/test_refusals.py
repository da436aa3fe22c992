"""What a smarthost refuses to our face reaches the register like a report."""

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery.ledger import BatchRef
from campaigns.feedback.refusals import heed
from campaigns.principal import WORKER
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.support.register import CAMPAIGN, Register

SAID = {
    1: ("rejected", 550, "5.1.1", "Recipient address rejected: User unknown"),
    2: ("rejected", 550, "5.7.515", "Access denied, sending domain does not meet the authentication level"),
    3: ("accepted", 250, "2.0.0", "queued"),
}


def test_each_refusal_is_one_event_with_the_consequence_of_its_class(register: Register) -> None:
    with writing(register.engine) as connection:
        for number, (outcome, code, enhanced, reply) in SAID.items():
            connection.execute(
                sa.insert(schema.attempt).values(
                    campaign_id=CAMPAIGN, number=number, attempt=1, outcome=outcome, smarthost="main", processor="self",
                    ended_at=utc_now(), code=code, enhanced=enhanced, reply=reply,
                )
            )  # fmt: skip
        connection.execute(sa.delete(schema.batch))
        connection.execute(
            sa.insert(schema.batch).values(
                campaign_id=CAMPAIGN, batch_no=1, channel="email", first_number=1, last_number=4, fence=0
            )
        )  # fmt: skip
    ref = BatchRef(CAMPAIGN, 1)
    assert heed(register.engine, ref, WORKER) == 2
    assert register.noes() == {("hard_bounce", "email", 0)}
    assert register.events() == [("hard", "hard_bounce"), ("policy", "recorded")]
    assert heed(register.engine, ref, WORKER) == 0
    assert heed(register.engine, BatchRef(CAMPAIGN, 2), WORKER) == 0
