"""Default deny: a function of the domain that says who acts asks whether they may, or is named here with the reason.

To mend it: put `demand(principal, Operation.…)` (campaigns.access) at its head; a new operation gets a line in
`MATRIX`, in tests/access/grid.py and in tests/access/calls.py. Or say here why whoever calls it has asked already.
"""

import ast
from collections.abc import Iterator

from tests.architecture.tree import read_tree

#: Asked by those whom it calls, each for its part.
_ITS_PARTS = "all it does is done by functions that ask"
#: Written in somebody's name, by a caller that has asked.
_WITHIN = "a step of something that has asked"
INNER = {
    "campaigns.access.demand": "this is the question",
    "campaigns.access.may": "this is the question",
    "campaigns.delivery.brakes.halt_if_needed": _ITS_PARTS,
    "campaigns.delivery.control.hold_in": _WITHIN,
    "campaigns.delivery.leavers.cut_off": _ITS_PARTS,
    "campaigns.delivery.one_person.merge": _ITS_PARTS,
    "campaigns.feedback.apply.apply": _ITS_PARTS,
    "campaigns.feedback.apply.apply_all": _ITS_PARTS,
    "campaigns.feedback.consequences.asked_wish.end_the_wish": _ITS_PARTS,
    "campaigns.feedback.consequences.hints.count": _ITS_PARTS,
    "campaigns.feedback.consequences.unsubscription.leave": _ITS_PARTS,
    "campaigns.feedback.ingest.ingest": _ITS_PARTS,
    "campaigns.feedback.refusals.heed": _ITS_PARTS,
    "campaigns.planning.recurrence.stop_in": _WITHIN,
    "campaigns.register.access_tokens.end_log_ins": "with a new password, whose giver was asked or proven",
    "campaigns.register.audit.read": "it tells of a reading",
    "campaigns.register.bases.follow": _WITHIN,
    "campaigns.register.companies.companies_by_key": _WITHIN,
    "campaigns.register.companies.start_positions": _WITHIN,
    "campaigns.register.contacts.correct": _WITHIN,
    "campaigns.register.contacts.insert_many": _WITHIN,
    "campaigns.register.contacts.set_merged": _WITHIN,
    "campaigns.register.contacts.update_many": _WITHIN,
    "campaigns.register.corrections.carry_over": _ITS_PARTS,
    "campaigns.register.corrections.told_by": _WITHIN,
    "campaigns.register.disclosures.record": _WITHIN,
    "campaigns.register.identity.found": "`utskick init`, before there is anybody",
    "campaigns.register.identity.remember": "`utskick init`, with the keys in hand",
    "campaigns.register.objections.record": _ITS_PARTS,
    "campaigns.register.objections.outlive": _ITS_PARTS,
    "campaigns.register.objections.spread": _ITS_PARTS,
    "campaigns.register.older_keys.carry_one_forward": _ITS_PARTS,
    "campaigns.register.older_keys.carry_forward": _ITS_PARTS,
    "campaigns.register.outdated.flag": _ITS_PARTS,
    "campaigns.register.provenance.begin": _WITHIN,
    "campaigns.register.subscriptions.follow": _WITHIN,
    "campaigns.register.subscriptions.forget": _WITHIN,
    "campaigns.register.subscriptions.start_many": _WITHIN,
    "campaigns.register.transfers.note_transfers": "it tells what the settings allow",
    "campaigns.rights.old_contacts.let_go": _WITHIN,
    "campaigns.rights.rectification.correct": _ITS_PARTS,
    "campaigns.rights.telling.note": _WITHIN,
    "campaigns.rights.wishes.say_no": _ITS_PARTS,
}


def acting(asking: bool) -> Iterator[str]:
    """The public functions of the domain that take a principal: those that ask, or those that do not."""
    for module in read_tree().values():
        if not module.name.startswith("campaigns.") or module.is_migration:
            continue
        for node in module.syntax.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                names = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
                asks = any(
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Name)
                    and call.func.id == "demand"
                    for call in ast.walk(node)
                )
                if "principal" in names and asks is asking:
                    yield f"{module.name}.{node.name}"


def test_who_acts_is_asked_whether_they_may() -> None:
    assert sorted(set(acting(asking=False)) - set(INNER)) == [], "\n" + (__doc__ or "")


def test_no_exception_is_idle() -> None:
    assert sorted(set(INNER) - set(acting(asking=False))) == []


def test_most_ask() -> None:
    assert len(list(acting(asking=True))) > 50
