"""THE GATE: may this delivery be handed over, now?

`withholding_reason` is the one predicate, as SQL: expansion uses it for honest counts, the claim uses it in its own
transaction, and `Gate.clear` asks it again for everything in hand whenever the epoch has moved since. Promise: a
`Clearance` exists only for a delivery that the predicate allowed under an epoch that a good permit still shows.
Fails closed: what cannot be asked raises `GateClosed`, and nothing is sent. Each table that the predicate reads
(suppression, subscription, contact_basis, contact, position, company, campaign, gate) is changed only together with
the epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from campaigns.clock import utc_now
from campaigns.errors import GateClosed, Unreachable
from campaigns.register.clearance import _GATE_SEAL, Clearance, DeliveryRef, Verdict, Withheld
from campaigns.register.office import ClockGap, Permit, PermitOffice
from campaigns.register.witness import Witness
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.store.register_tables import SUPPRESSION_KINDS

#: Reasons that only mean "not now": the row goes back to where it was.
PASSING_REASONS = frozenset({"paused", "address_changed"})
#: What keeps even a mail from going that its reader asked for.
OUTWEIGHING_A_REQUEST = ("restricted", "complaint", "hard_bounce", "manual")

_NOTHING = 99
Column = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Asked:
    """Whom and what the predicate is asked about: expressions over the statement it stands in."""

    list_id: Column
    channel: Column
    purpose: Column


def withholding_reason(asked: Asked) -> Column:
    """SQL: the word why this contact must not get this now, or NULL. The statement around it joins `contact`.

    Stronger reasons come first: what a person said outranks what an address did, and both outrank a missing address.
    """
    contact = schema.contact.c
    strongest = _smaller(_strongest_own(asked), _strongest_of_companies(asked))
    no_street = sa.or_(contact.street.is_(None), contact.postal_code.is_(None), contact.city.is_(None))
    # Each subquery stands here once: written twice, it would be asked twice for every person.
    forbidden = sa.case(dict(enumerate(SUPPRESSION_KINDS)), value=strongest)
    lacking = sa.case(
        (~_subscribed(asked.list_id), "unsubscribed"),
        (~_allowed(asked.purpose), "no_basis"),
        (sa.and_(asked.channel == "email", contact.email.is_(None)), "no_email_address"),
        (sa.and_(asked.channel == "post", no_street), "no_postal_address"),
    )
    return sa.case((contact.erased_at.is_not(None), "objection"), else_=sa.func.coalesce(forbidden, lacking))


def _strongest_own(asked: Asked) -> Column:
    contact, no = schema.contact.c, schema.suppression.alias()
    keys = [contact.email_key, contact.domain_key, contact.postal_key]
    return _strongest(asked, no, no, no.c.subject_key.in_(keys))


def _strongest_of_companies(asked: Asked) -> Column:
    position, company, no = schema.position.alias(), schema.company.alias(), schema.suppression.alias()
    known_with = position.join(company, company.c.id == position.c.company_id).join(
        no, no.c.subject_key == company.c.company_key
    )
    here = sa.and_(position.c.contact_id == schema.contact.c.id, position.c.ended_at.is_(None))
    return _strongest(asked, no, known_with, here)


def _strongest(asked: Asked, no: Any, found_in: Any, where: Column) -> Column:
    """The lowest rank of the live suppressions that are found in this way and cover what is asked."""
    rank = sa.case(*((no.c.kind == kind, number) for number, kind in enumerate(SUPPRESSION_KINDS)))
    found = (
        sa.select(sa.func.min(rank))
        .select_from(found_in)
        .where(
            where,
            no.c.lifted_at.is_(None),
            sa.or_(no.c.until.is_(None), no.c.until > _when_asked()),
            no.c.list_id.in_([sa.literal(0), asked.list_id]),
            no.c.purpose.in_([sa.literal(""), asked.purpose]),
            no.c.channel.in_([sa.literal(""), asked.channel]),
        )
        .correlate_except(found_in)
        .scalar_subquery()
    )
    return sa.func.coalesce(found, _NOTHING)


def _when_asked() -> Column:
    """The moment at which the statement is executed, however long ago it was made."""
    return sa.bindparam(None, callable_=utc_now, type_=schema.suppression.c.until.type)


class _smaller(GenericFunction[int]):  # noqa: N801 (read as a function of SQL)
    """The smaller of two numbers; as a CASE it would ask for one of them twice."""

    inherit_cache = True
    type = sa.Integer()


@compiles(_smaller)
def _least(element: _smaller, compiler: sa.sql.compiler.SQLCompiler, **options: Any) -> str:
    return f"least{compiler.process(element.clause_expr, **options)}"


@compiles(_smaller, "sqlite")
def _min(element: _smaller, compiler: sa.sql.compiler.SQLCompiler, **options: Any) -> str:
    return f"min{compiler.process(element.clause_expr, **options)}"


def _subscribed(list_id: Column) -> Column:
    subscription = schema.subscription.alias()
    return (
        sa.exists(sa.literal(1))
        .where(
            subscription.c.contact_id == schema.contact.c.id,
            subscription.c.list_id == list_id,
            subscription.c.status == "subscribed",
        )
        .correlate_except(subscription)
    )


def _allowed(purpose: Column) -> Column:
    basis = schema.contact_basis.alias()
    return (
        sa.exists(sa.literal(1))
        .where(
            basis.c.contact_id == schema.contact.c.id, basis.c.purpose == purpose, basis.c.ended_at.is_(None)
        )
        .correlate_except(basis)
    )


@dataclass
class InHand:
    """The deliveries of one campaign that a sender has claimed and not yet handed over: a range of numbers,
    the epoch under which the predicate was last asked about them, those it has refused since, and the last yes."""

    campaign: int
    first_number: int
    last_number: int
    checked_epoch: int
    withheld: dict[int, Withheld] = field(default_factory=dict)
    clearance: Clearance | None = None


@dataclass
class Requested:
    """A mail that its reader has asked for, so that no list, basis or objection is asked about: the fingerprints of the
    mailbox and its domain under every key, and what was last found against them."""

    delivery: DeliveryRef
    mailbox: frozenset[bytes]
    domain: frozenset[bytes]
    checked_epoch: int = -1
    withheld: Withheld | None = None


class Gate:
    """Answers for one process. Safe for threads; each `InHand` belongs to one thread.

    `witness` is what this machine has seen of the register, `on_gap` is told of a clock that stood still.
    """

    def __init__(
        self,
        engine: sa.Engine,
        witness: Witness | None = None,
        on_gap: Callable[[ClockGap], None] | None = None,
    ) -> None:
        self._engine = engine
        self._office = PermitOffice(engine, witness, on_gap)

    def clear(self, in_hand: InHand, delivery: DeliveryRef, address: str) -> Verdict:
        """The gate's answer for one delivery in hand, good for a permit's length.

        Nearly always that is two looks at the clock: the permit is good, and shows no epoch that is newer than the
        one under which the predicate was last asked.

        Raises:
            GateClosed: the gate cannot be asked; nothing may be sent.
        """
        permit = self._office.permit()
        while in_hand.checked_epoch < permit.epoch:
            self._ask_again(in_hand)
            permit = self._office.permit()
        if in_hand.withheld and (refused := in_hand.withheld.get(delivery.number)) is not None:
            return refused
        given = in_hand.clearance
        if (
            given is not None
            and given.valid_until == permit.valid_until
            and given.delivery is delivery
            and given.address == address
        ):
            return given
        self._office.cleared(delivery)
        in_hand.clearance = Clearance(delivery, address, permit.valid_until, _GATE_SEAL)
        return in_hand.clearance

    def clear_requested(self, requested: Requested, address: str) -> Verdict:
        """The gate's answer for a mail that its reader asked for themselves: to confirm a wish. What others recorded
        against the mailbox, that it does not work, and any "no" of its whole domain withhold it.

        Raises:
            GateClosed: the gate cannot be asked; nothing may be sent.
        """
        permit = self._office.permit()
        while requested.checked_epoch < permit.epoch:
            try:
                with reading(self._engine) as connection:
                    row = connection.execute(_against_requested(requested)).one()
            except Unreachable as error:
                raise GateClosed(f"the gate cannot be asked: {error}") from error
            _refuse_halted(row.halted)
            reason = None if row.rank is None else SUPPRESSION_KINDS[row.rank]
            requested.withheld = None if reason is None else Withheld(requested.delivery, reason)
            requested.checked_epoch = row.epoch
            permit = self._office.permit()
        if requested.withheld is not None:
            return requested.withheld
        return Clearance(requested.delivery, address, permit.valid_until, _GATE_SEAL)

    @property
    def permit(self) -> Permit:
        """The permit that this process holds, whether or not it is still good."""
        return self._office.held

    def look(self) -> None:
        """See whether the register is still the one that was seen before, without sending anything.

        Raises:
            GateClosed: it is not, or it is halted, or it cannot be asked.
        """
        self._office.permit()

    def _ask_again(self, in_hand: InHand) -> None:
        try:
            with reading(self._engine) as connection:
                rows = connection.execute(_refusals(in_hand)).all()
        except Unreachable as error:
            raise GateClosed(f"the gate cannot be asked: {error}") from error
        if not rows or rows[0].epoch < in_hand.checked_epoch:
            raise GateClosed("the database went back in time while it was asked")
        _refuse_halted(rows[0].halted)
        for row in rows:
            if row.number is not None:
                delivery = DeliveryRef(in_hand.campaign, row.number)
                in_hand.withheld[row.number] = Withheld(
                    delivery, row.reason, final=row.reason not in PASSING_REASONS
                )
        in_hand.checked_epoch = rows[0].epoch


def _refuse_halted(halted: bool) -> None:
    """What is read of a halted register says nothing: it may be a restored one."""
    if halted:
        raise GateClosed("the register is halted; `utskick go` ends it")


def _against_requested(requested: Requested) -> sa.Select[Any]:
    """The epoch and the strongest "no" that outweighs a person's own request, in one statement, so in one snapshot."""
    no = schema.suppression.c
    rank = sa.case(*((no.kind == kind, number) for number, kind in enumerate(SUPPRESSION_KINDS)))
    of_others = sa.and_(no.subject_key.in_(requested.mailbox), no.kind.in_(OUTWEIGHING_A_REQUEST))
    strongest = (
        sa.select(sa.func.min(rank))
        .where(
            no.lifted_at.is_(None),
            no.list_id == 0,
            no.channel.in_(("", "email")),
            sa.or_(of_others, no.subject_key.in_(requested.domain)),
        )
        .scalar_subquery()
    )
    return sa.select(schema.gate.c.epoch, schema.gate.c.halted, strongest.label("rank"))


def _refusals(in_hand: InHand) -> sa.Select[Any]:
    """The epoch and the refused rows in one statement, which is one snapshot: what the epoch counts, the rows show.

    It is the claim's own predicate, asked for what is in hand. Outer joins, so that a row whose contact or campaign
    is gone is refused, not left out.
    """
    delivery, contact, campaign = schema.delivery, schema.contact, schema.campaign
    asked = Asked(delivery.c.list_id, delivery.c.channel, campaign.c.purpose)
    current_key = sa.case((delivery.c.channel == "email", contact.c.email_key), else_=contact.c.postal_key)
    reason = sa.case(
        (campaign.c.status.is_distinct_from("sending"), "paused"),
        (contact.c.id.is_(None), "objection"),
        else_=sa.func.coalesce(
            withholding_reason(asked),
            sa.case((delivery.c.address_key.is_distinct_from(current_key), "address_changed")),
        ),
    ).label("reason")
    found = (
        sa.select(delivery.c.number, reason)
        .outerjoin(contact, contact.c.id == delivery.c.contact_id)
        .outerjoin(campaign, campaign.c.id == delivery.c.campaign_id)
        .where(
            delivery.c.campaign_id == in_hand.campaign,
            delivery.c.number.between(in_hand.first_number, in_hand.last_number),
            delivery.c.status == "sending",
        )
        .subquery()
    )
    return sa.select(
        schema.gate.c.epoch, schema.gate.c.halted, found.c.number, found.c.reason
    ).outerjoin_from(schema.gate, found, found.c.reason.is_not(None))
