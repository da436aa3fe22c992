"""Whatever is imported, said, corrected, merged and parted in whatever order: no "no" is lost, and none is made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from campaigns.address import parse_email
from campaigns.delivery import one_person
from campaigns.errors import RefusedOperation
from campaigns.register import corrections, merging, objections, parting, subscriptions
from campaigns.register.merging import Pair
from campaigns.register.permit import answering_a_no
from campaigns.register.subscriptions import Unsubscription
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.register.tables import HEADS, added_list, imported, person, table
from tests.support.register import TESTER, Register

WORDS: Final = (
    "take_in",
    "leave",
    "object",
    "complain",
    "move",
    "further",
    "merge",
    "merge",
    "part",
    "split_off",
)
MAILBOXES: Final = 5
_round = count()


@dataclass
class Model:
    """Who there is, in the plainest words: contacts with one address, who is whose other self, who said no."""

    mailbox: dict[int, int] = field(default_factory=dict)
    further: dict[int, int] = field(default_factory=dict)
    above: dict[int, int] = field(default_factory=dict)
    said_no: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    unsubscribed: set[int] = field(default_factory=set)

    def kept(self, contact: int) -> int:
        while contact in self.above:
            contact = self.above[contact]
        return contact

    def family(self, contact: int) -> set[int]:
        return {it for it in self.mailbox if self.kept(it) == self.kept(contact)}

    def owner(self, mailbox: int) -> int | None:
        mine = [contact for contact, it in self.mailbox.items() if it == mailbox]
        return mine[0] if mine else self.further.get(mailbox)

    def says_no(self, contact: int) -> None:
        """The whole person says so, by every address."""
        self.said_no |= self.family(contact)
        self.remember()

    def remember(self) -> None:
        """Who said no says it by every address, and whoever gets one that did is not written to."""
        for contact in self.said_no:
            self.refused |= {self.mailbox[contact], *(m for m, it in self.further.items() if it == contact)}

    def hears(self) -> None:
        self.said_no |= {contact for contact, mailbox in self.mailbox.items() if mailbox in self.refused}


class Run:
    """One history, told to the register and to the model."""

    def __init__(self, register: Register, folder: Path) -> None:
        self.register, self.folder, self.model = register, folder, Model()
        self.news = added_list(register)
        self.name = f"r{next(_round)}"

    def address(self, mailbox: int) -> str:
        return f"{self.name}.m{mailbox}@kund.example"

    def told(self, mailbox: int) -> corrections.Correction:
        return corrections.Correction({"email": self.address(mailbox)}, "x", "person", "x")

    def take_in(self, _one: int, mailbox: int) -> None:
        row = ("", "", "Kim", "Exempel", self.address(mailbox), "", "")
        imported(self.register, self.folder / "people.csv", table(HEADS, row))
        if self.model.owner(mailbox) is None:
            self.model.mailbox[person(self.register, row[4])["id"]] = mailbox
            self.model.hears()

    def leave(self, one: int, _mailbox: int) -> None:
        with answering_a_no(self.register.engine) as connection:
            subscriptions.unsubscribe(connection, Unsubscription(one, self.news.id, "x", ""), TESTER)
        self.model.says_no(one)

    def object(self, one: int, _mailbox: int) -> None:
        with answering_a_no(self.register.engine) as connection:
            subscriptions.object_to_marketing(connection, one, "x", "", TESTER)
        self.model.says_no(one)

    def complain(self, _one: int, mailbox: int) -> None:
        key = objections.address_key(self.register.ring, parse_email(self.address(mailbox)))
        with answering_a_no(self.register.engine) as connection:
            objections.suppress(
                connection, objections.No("complaint", key, objections.Scope(), "x", ""), TESTER
            )
        self.model.refused.add(mailbox)
        owner = self.model.owner(mailbox)
        if owner is not None:
            self.model.says_no(owner)

    def move(self, one: int, mailbox: int) -> None:
        with answering_a_no(self.register.engine) as connection:
            corrections.edit(connection, self.register.ring, one, self.told(mailbox), TESTER)
        kept = self.model.kept(one)
        before, self.model.mailbox[kept] = self.model.mailbox[kept], mailbox
        if self.model.further.get(mailbox) == kept:
            del self.model.further[mailbox]
            self.model.further[before] = kept
        self.model.hears()
        self.model.remember()

    def further(self, one: int, mailbox: int) -> None:
        with answering_a_no(self.register.engine) as connection:
            added = corrections.add_address(connection, self.register.ring, one, self.told(mailbox), TESTER)
        kept = self.model.kept(one)
        if added:
            self.model.further[mailbox] = kept
        if mailbox in self.model.refused:
            self.model.says_no(kept)
        self.model.remember()

    def merge(self, one: int, mailbox: int) -> None:
        other = self.model.owner(mailbox)
        if other is None:
            return
        one_person.merge(self.register.engine, self.register.ring, Pair(one, other), "x", TESTER)
        self.model.above[other] = one
        if self.model.said_no & self.model.family(one):
            self.model.says_no(one)

    def part(self, one: int, _mailbox: int) -> None:
        with answering_a_no(self.register.engine) as connection:
            merging.part(connection, self.register.ring, one, "x", TESTER)
        del self.model.above[one]

    def split_off(self, one: int, mailbox: int) -> None:
        with answering_a_no(self.register.engine) as connection:
            done = parting.split_off(connection, self.register.ring, one, self.told(mailbox), TESTER)
        kept, new = self.model.kept(one), done["new"]
        self.model.further.pop(mailbox, None)
        self.model.mailbox[new] = mailbox
        self.model.unsubscribed.add(new)
        if kept in self.model.said_no or mailbox in self.model.refused:
            self.model.says_no(kept)
            self.model.says_no(new)

    def withheld(self) -> set[int]:
        """Whom the gate does not let through."""
        asked = Asked(sa.literal(self.news.id), sa.literal("email"), sa.literal("marketing"))
        contact = schema.contact.c
        with reading(self.register.engine) as connection:
            rows = connection.execute(
                sa.select(contact.id, withholding_reason(asked)).where(
                    contact.id.in_(list(self.model.mailbox))
                )
            )
            return {number for number, reason in rows if reason is not None}


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a history is short enough to read, and shrinking it takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(WORDS), st.integers(0, 9), st.integers(0, MAILBOXES - 1)),
        min_size=6,
        max_size=20,
    )
)
def test_no_no_is_lost_and_none_is_made_up(
    register: Register, tmp_path: Path, steps: list[tuple[str, int, int]]
) -> None:
    with writing(register.engine) as connection:  # nobody sends here, so nobody has to be waited for
        connection.execute(sa.update(schema.gate).values(permit_ms=1, answer_ms=2))
    run = Run(register, tmp_path)
    for mailbox in range(3):
        run.take_in(0, mailbox)
    for word, which, mailbox in steps:
        known = sorted(run.model.mailbox)
        step: Callable[[int, int], None] = getattr(run, word)
        try:
            step(known[which % len(known)], mailbox)
        except RefusedOperation:
            continue
        assert run.withheld() == run.model.said_no | (run.model.unsubscribed & run.withheld()), word
