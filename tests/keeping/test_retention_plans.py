"""A sweep looks at each person by an index: its cost grows with the register, not with its square."""

from datetime import timedelta

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.keeping.test_retention import swept
from tests.operations.place import Place
from tests.support.plans import listening, scanned


def test_the_people_who_are_due_are_looked_up(place: Place) -> None:
    place.people(4, last_name="Ek")
    contact, on_list = schema.contact, schema.subscription
    with writing(place.engine) as connection:
        numbers = connection.execute(sa.select(contact.c.id).order_by(contact.c.id)).scalars().all()
        kept, other, third, fourth = numbers
        same = sa.update(contact).where(contact.c.id == other).values(merged_into=kept)
        connection.execute(same)
        leaving = sa.update(on_list).where(on_list.c.contact_id != other).values(status="unsubscribed")
        connection.execute(leaving)
    with listening(place.engine) as heard:
        assert swept(place, now=utc_now() + timedelta(days=1100)).gone["contacts"] == 2
    with reading(place.engine) as connection:
        erased = sa.select(contact.c.id).where(contact.c.erased_at.is_not(None))
        assert set(connection.execute(erased).scalars()) == {third, fourth}, "the same person is on a list"
    asked = {
        statement: values for statement, values in heard.items() if "merged_into = contact.id" in statement
    }
    assert len(asked) == 1
    assert scanned(place.engine, asked, {"contact", "legal_hold"}) == {}


def test_what_is_used_is_read_once_for_all_intakes(place: Place) -> None:
    with listening(place.engine) as heard:
        swept(place)
    ((statement, values),) = [
        item for item in heard.items() if "UPDATE intake" in item[0] and "EXCEPT" in item[0]
    ]
    explain = "EXPLAIN QUERY PLAN " if place.engine.dialect.name == "sqlite" else "EXPLAIN "
    with reading(place.engine) as connection:
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, values))
    assert "CORRELATED" not in plan
    assert "SubPlan" not in plan
