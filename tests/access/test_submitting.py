"""Who submits is proven where that is asked for; leavers' work waits; large campaigns wait for somebody else."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.delivery import control
from campaigns.delivery.leavers import cut_off
from campaigns.errors import NotAllowed, RefusedOperation
from campaigns.planning.approval import approve, hold_large
from campaigns.planning.authority import Signing, signature
from campaigns.planning.campaign import Planning, Receipt, receive
from campaigns.planning.firing import fire_due
from campaigns.principal import WORKER, Level, Principal
from campaigns.register import accounts
from campaigns.register.accounts import NewAccount
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.planning.documents import TESTER, document, made_planning

OWN, SHOP = b"the installation's own", b"the shop's"
ANNA = Principal("account:anna", Level.SENDER)
BO = Principal("account:bo", Level.APPROVER)


@pytest.fixture
def planning(database_url: str) -> Iterator[Planning]:
    with made_planning(database_url) as made:
        with writing(made.engine) as connection:
            for name, level in (("anna", Level.SENDER), ("eero", Level.READER)):
                accounts.add(connection, NewAccount(name, level, "a long enough secret"), TESTER)
            accounts.add(connection, NewAccount("crm", Level.SENDER, kind="service"), TESTER)
        yield replace(made, signing=Signing({1: OWN}, {"shop": [SHOP]}))


def faults(receipt: Receipt) -> dict[str, str]:
    return {fault.where: fault.problem for fault in receipt.faults}


def signed(key: bytes, **parts: Any) -> dict[str, Any]:
    made = document(**parts)
    return {**made, "signature": signature(made, key)}


def status(planning: Planning, campaign: int = 1) -> tuple[str, str | None]:
    table = schema.campaign.c
    with reading(planning.engine) as connection:
        row = connection.execute(sa.select(table.status, table.hold_reason).where(table.id == campaign)).one()
    return row.status, row.hold_reason


def test_who_needs_a_signature_is_not_believed_without_the_right_one(planning: Planning) -> None:
    strict = replace(planning, signing=replace(planning.signing, demanded=True))
    cases = (
        ("account:anna", None, planning, False),
        ("account:anna", SHOP, planning, False),
        ("account:anna", OWN, planning, True),
        ("service:shop", None, planning, False),
        ("service:shop", b"other", planning, False),
        ("service:shop", SHOP, planning, True),
        ("service:shop", OWN, planning, True),
        ("service:unknown", None, planning, True),
        ("os:kim", None, planning, True),
        ("os:kim", SHOP, planning, False),
        ("os:kim", None, strict, False),
        ("os:kim", OWN, strict, True),
        ("service:unknown", None, strict, False),
    )
    for number, (by, key, where, believed) in enumerate(cases):
        said = {"submitted_by": by, "submission_id": f"case-{number}"}
        made = document(**said) if key is None else signed(key, **said)
        receipt = receive(where, made)
        assert (receipt.campaign_id is not None) is believed, (by, key, receipt.faults)
        assert believed or set(faults(receipt)) == {"signature"}


def test_a_changed_document_does_not_keep_its_signature(planning: Planning) -> None:
    made = signed(OWN, submitted_by="account:anna")
    made["campaign"]["edition"] = "another"
    assert set(faults(receive(planning, made))) == {"signature"}


def test_a_document_that_is_signed_anew_is_the_same(planning: Planning) -> None:
    first = receive(planning, signed(OWN, submitted_by="account:anna"))
    newer = replace(planning, signing=Signing({1: OWN, 2: b"newer"}))
    again = receive(newer, signed(b"newer", submitted_by="account:anna"))
    assert (again.campaign_id, again.fresh) == (first.campaign_id, False)


def test_who_may_not_submit_is_refused_whatever_the_signature(planning: Planning) -> None:
    for by, problem in (
        ("account:eero", "account:eero may not submit a campaign"),
        ("account:nobody", "account:nobody has no account (any more)"),
        ("contact:1", "contact:1 may not submit a campaign"),
        ("process:worker", "process:worker may not submit a campaign"),
    ):
        receipt = receive(planning, signed(OWN, submitted_by=by, submission_id=by))
        assert faults(receipt) == {"submitted_by": problem}
    with pytest.raises(NotAllowed):
        planning.signing.signed(document(), Principal("account:eero", Level.READER))
    told = planning.signing.signed({**document(), "submitted_by": "os:kim"}, ANNA)
    assert told["submitted_by"] == "account:anna"


def test_a_leavers_work_waits_or_is_refused(planning: Planning) -> None:
    started, waiting, weekly, queued = (
        signed(OWN, submitted_by="account:anna", submission_id=name, **more)
        for name, more in (
            ("started", {}),
            ("waiting", {}),
            ("weekly", {"schedule": {"cron": "0 9 * * 2"}}),
            ("queued", {}),
        )
    )
    assert [receive(planning, it).faults for it in (started, waiting, weekly)] == [(), (), ()]
    table = schema.campaign
    with writing(planning.engine) as connection:
        running = {"status": "sending", "expanded_at": sa.func.now()}
        connection.execute(sa.update(table).where(table.c.submission_id == "started").values(running))
    left = cut_off(planning.engine, "anna", TESTER)
    assert (left.fresh, left.held, left.stopped) == (True, (2,), (1,))
    assert cut_off(planning.engine, "anna", TESTER).fresh is False
    assert (status(planning, 1), status(planning, 2)) == (("sending", None), ("paused", "author_left"))
    assert faults(receive(planning, queued)) == {"submitted_by": "account:anna has no account (any more)"}
    assert fire_due(planning) == []
    control.resume(planning.engine, 2, TESTER)
    assert status(planning, 2) == ("scheduled", None)


def test_a_service_that_was_disabled_submits_no_more(planning: Planning) -> None:
    assert receive(planning, document(submitted_by="service:crm")).campaign_id == 1
    cut_off(planning.engine, "service:crm", TESTER)
    receipt = receive(planning, document(submitted_by="service:crm", submission_id="two"))
    assert faults(receipt) == {"submitted_by": "service:crm has no account (any more)"}


def test_a_large_campaign_waits_for_somebody_who_did_not_submit_it(planning: Planning) -> None:
    receive(planning, signed(OWN, submitted_by="account:anna"))
    assert not hold_large(planning.engine, 1, None, WORKER)
    assert not hold_large(planning.engine, 1, 0, WORKER)
    _subscribe(planning)
    assert not hold_large(planning.engine, 1, 1, WORKER)
    assert hold_large(planning.engine, 1, 0, WORKER)
    assert not hold_large(planning.engine, 1, 0, WORKER)
    assert status(planning) == ("paused", "approval")
    for word in (control.resume, control.start):
        with pytest.raises(RefusedOperation, match="waits for approval"):
            word(planning.engine, 1, ANNA)
    with pytest.raises(NotAllowed, match="somebody else has to approve it"):
        approve(planning.engine, 1, replace(ANNA, level=Level.APPROVER))
    assert approve(planning.engine, 1, BO)
    assert not approve(planning.engine, 1, BO)
    assert status(planning) == ("scheduled", None)
    assert not hold_large(planning.engine, 1, 0, WORKER)


def _subscribe(planning: Planning) -> None:
    """Somebody on every list."""
    now = sa.func.now()
    made = {"created_at": now, "created_by": "os:test", "updated_at": now, "updated_by": "os:test"}
    with writing(planning.engine) as connection:
        connection.execute(sa.insert(schema.contact).values(id=1, last_name="Exempel", key_id=1, **made))
        for number in connection.execute(sa.select(schema.mailing_list.c.id)).scalars().all():
            values = {
                "list_id": number,
                "contact_id": 1,
                "status": "subscribed",
                "since": now,
                "changed_by": "os:test",
            }
            connection.execute(sa.insert(schema.subscription).values(values))
