"""Access and erasure look everything up by an index: what they cost does not grow with the register."""

from campaigns.rights import disclosure, erasure, requests
from campaigns.rights.requests import Identification
from tests.feedback.test_consequences import outing
from tests.rights.filling import fill
from tests.rights.test_disclosure import KEEPER
from tests.rights.test_requests import opened
from tests.support.plans import listening, scanned
from tests.support.register import TESTER, Register

#: Tables that may be read whole, and why.
SMALL = {
    "legal_hold": "a few rows in the life of a register",
    "parked_mail": "at most ten thousand messages, whose content is searched",
    "gate": "one row",
    "up": "no table: a person found through merges",
    "down": "no table: a person found through merges",
}


def test_access_and_erasure_read_no_table_whole(register: Register) -> None:
    fill(register)
    for days_ago in (20, 10):  # of several deliveries it is asked otherwise than of one
        outing(register, days_ago)
    asked = [opened(register, kind=kind) for kind in ("access", "erasure")]
    for request in asked:
        requests.identify(register.engine, request, Identification("mailbox"), TESTER)
    with listening(register.engine) as heard:
        disclosure.disclose(register.engine, register.ring, KEEPER, asked[0], TESTER)
        erasure.erase(register.engine, register.ring, asked[1], TESTER)
    assert len(heard) > 40
    assert sorted(scanned(register.engine, heard, SMALL)) == []
    whole = {"SELECT * FROM delivery WHERE language = 'sv'": ()}
    assert list(scanned(register.engine, whole, SMALL)) == ["delivery"]
