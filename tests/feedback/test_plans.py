"""News finds its person by an index: a bounce costs the same however many the register holds."""

from typing import get_args

from campaigns.feedback import parking
from campaigns.feedback.apply import apply_all, apply_reports
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.feedback.ingest import ingest
from campaigns.principal import INBOUND, Level, Principal
from tests.feedback.reports import report
from tests.feedback.test_consequences import outing
from tests.support.plans import listening, scanned
from tests.support.register import Register

#: Tables that may be read whole, and why.
SMALL = {
    "gate": "one row",
    "known": "no table: contacts found by their fingerprints",
    "up": "no table: a person found through merges",
    "down": "no table: a person found through merges",
}


def test_no_news_reads_a_table_whole(register: Register) -> None:
    webhook = Principal("service:webhook-mail-operator", Level.REPORTER)
    for days_ago in (20, 10):  # of several deliveries it is asked otherwise than of one
        outing(register, days_ago)
    with listening(register.engine) as heard:
        for number in (1, 2, 3):
            events = [
                FeedbackEvent(
                    "webhook:mail-operator",
                    f"{kind}-{number}",
                    kind,
                    register.claims(number),
                    "5.1.1",
                    "no such user here",
                )
                for kind in get_args(Kind)
            ]
            apply_reports(register.engine, [([event], webhook) for event in events])
            apply_all(register.engine, events, INBOUND)
        ingest(register.engine, register.tokens, report("x@y.example"), None, INBOUND)
        ingest(register.engine, register.tokens, report("x@y.example"), register.return_path(2), INBOUND)
    assert any("RECURSIVE" in statement for statement in heard)  # the person behind an address was looked for
    assert scanned(register.engine, heard, SMALL) == {}


def test_parking_looks_at_what_is_kept_and_not_at_all_that_ever_came(register: Register) -> None:
    with listening(register.engine) as heard:
        parking.park(register.engine, b"Subject: Hej\n\nVad menar ni?\n", "unknown", None)
    asked = [item for item in heard.items() if "parked_mail" in item[0]]
    assert len(asked) == 2
    explain = "EXPLAIN QUERY PLAN " if register.engine.dialect.name == "sqlite" else "EXPLAIN "
    with register.engine.connect() as connection:
        if register.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, values in asked:
            plan = str(connection.exec_driver_sql(explain + statement, values).all())
            assert "ix_parked_mail_kept" in plan, plan
