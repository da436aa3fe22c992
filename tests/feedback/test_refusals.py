"""What a smarthost refuses to our face reaches the register like a report."""

import pytest
import sqlalchemy as sa

from campaigns.delivery import brakes
from campaigns.delivery.brakes import Tally
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.results import Carrier, Result, record_in
from campaigns.feedback.apply import apply
from campaigns.feedback.event import FeedbackEvent
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
BATCH = {"batch_no": 1, "channel": "email", "first_number": 1, "last_number": 4, "fence": 0}


def test_each_refusal_is_one_event_with_the_consequence_of_its_class(register: Register) -> None:
    for number, (outcome, code, enhanced, reply) in SAID.items():
        recorded(register, Result(number, 1, outcome, code=code, enhanced=enhanced, reply=reply))
    ref = BatchRef(CAMPAIGN, 1)
    assert heed(register.engine, ref, WORKER) == 2
    assert register.noes() == {("hard_bounce", "email", 0)}
    assert register.events() == [("hard", "hard_bounce"), ("policy", "authentication")]
    assert heed(register.engine, ref, WORKER) == 0
    assert heed(register.engine, BatchRef(CAMPAIGN, 2), WORKER) == 0


def test_the_place_where_it_was_said_decides_on_a_bare_refusal(register: Register) -> None:
    for number, stage in ((1, "rcpt"), (2, "dot"), (3, "mail")):
        recorded(register, Result(number, 1, "rejected", code=550, reply="", stage=stage))
    heed(register.engine, BatchRef(CAMPAIGN, 1), WORKER)
    assert register.events() == [("hard", "hard_bounce"), ("other", "recorded"), ("other", "recorded")]


@pytest.mark.parametrize(
    "status, said, word",
    [
        (
            "5.7.26",
            "Unauthenticated email is not accepted due to the domain's DMARC policy",
            "authentication",
        ),
        ("5.7.1", "rejected: message fails DMARC verification", "authentication"),
        ("5.7.1", "blocked using a block list", "recorded"),
    ],
)
def test_failed_authentication_told_later_is_the_brakes_to_count(
    register: Register, status: str, said: str, word: str
) -> None:
    event = FeedbackEvent("mail", "e1", "policy", register.claims(), status, said)
    assert apply(register.engine, event, WORKER) == word
    assert register.noes() == set()
    counted = brakes.tally(register.engine, CAMPAIGN)
    assert counted == Tally(authentication=1 if word == "authentication" else 0)


def recorded(register: Register, result: Result) -> None:
    """What came of an attempt, as a sender writes it, in the campaign's only batch."""
    table = schema.delivery
    with writing(register.engine) as connection:
        if connection.execute(sa.select(schema.batch)).first() is None:
            connection.execute(sa.insert(schema.batch).values(campaign_id=CAMPAIGN, **BATCH))
        row = (table.c.campaign_id == CAMPAIGN, table.c.number == result.number)
        sending = {"status": "sending", "handed_over_at": None, "settled_at": None}
        connection.execute(sa.update(table).where(*row).values(**sending))
        assert record_in(connection, CAMPAIGN, [result], Carrier("main", "self"))
