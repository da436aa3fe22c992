"""What lifts a "no": the person's word on evidence that somebody can look at, never a program by itself."""

import pytest

from campaigns.errors import InputError, NotAllowed
from campaigns.principal import INBOUND, Level, Principal
from campaigns.register import objections
from campaigns.register.permit import answering_a_no
from campaigns.store.engine import reading
from tests.support.register import TESTER, Register

KEY = objections.SubjectKey("address", 1, b"somebody")
REPORTER = Principal("service:shop", Level.REPORTER)
OFFICER = Principal("account:anna", Level.PRIVACY_OFFICER)


def recorded(register: Register, kind: objections.SuppressionKind) -> int:
    with answering_a_no(register.engine) as connection:
        no = objections.No(kind, KEY, objections.Scope(), "letter", "her letter")
        assert objections.suppress(connection, no, TESTER)
        found = objections.standing(connection, {1: KEY.key})
    return next(int(row["id"]) for row in found if row["kind"] == kind)


def standing(register: Register) -> list[str]:
    with reading(register.engine) as connection:
        return [row["kind"] for row in objections.standing(connection, {1: KEY.key})]


@pytest.mark.parametrize("evidence", ["", " ", "\n\t"])
def test_nothing_is_lifted_on_blank_evidence(sqlite_register: Register, evidence: str) -> None:
    number, soft = recorded(sqlite_register, "objection"), recorded(sqlite_register, "soft_bounces")
    with answering_a_no(sqlite_register.engine) as connection:
        with pytest.raises(InputError, match="evidence"):
            objections.lift(connection, number, evidence, OFFICER)
        with pytest.raises(InputError, match="evidence"):
            objections.lift_failures(connection, soft, evidence, INBOUND)
    assert standing(sqlite_register) == ["objection", "soft_bounces"]


@pytest.mark.parametrize("program", [REPORTER, INBOUND], ids=str)
def test_a_program_lifts_only_what_failures_had_stopped(
    sqlite_register: Register, program: Principal
) -> None:
    number, soft = recorded(sqlite_register, "objection"), recorded(sqlite_register, "soft_bounces")
    with answering_a_no(sqlite_register.engine) as connection:
        for wanted in (number, soft):
            with pytest.raises(NotAllowed):
                objections.lift(connection, wanted, "arrived", program)
        assert not objections.lift_failures(connection, number, "arrived", program)
        assert objections.lift_failures(connection, soft, "arrived", program)
    assert standing(sqlite_register) == ["objection"]
    with answering_a_no(sqlite_register.engine) as connection:
        assert objections.lift(connection, number, "letter 7 of hers, binder B", OFFICER)
    assert standing(sqlite_register) == []
