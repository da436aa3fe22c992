"""One chunk of an import, within one transaction: contacts, positions, subscriptions, bases, origins, the audit entry.

Promise: a number of statements that does not depend on the number of rows; a chunk that changes nothing writes nothing.
Whose own "no" stands is not subscribed (`intake_noes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from campaigns.register import audit, bases, companies, contacts, intake_noes, provenance, subscriptions
from campaigns.register.intake_drafts import Draft
from campaigns.register.intake_noes import Common, Firms
from campaigns.register.permit import raise_epoch
from campaigns.register.provenance import Origin


@dataclass
class Changed:
    """What a chunk changed beside the fields of contacts: ids of contacts, and who is kept off the list."""

    positions: set[int] = field(default_factory=set)
    subscriptions: set[int] = field(default_factory=set)
    bases: set[int] = field(default_factory=set)
    kept_off: set[int] = field(default_factory=set)


class Chunk:
    """The work on the drafts of one chunk; `intake_id` is None until the import has written something."""

    def __init__(self, connection: sa.Connection, common: Common, intake_id: int | None) -> None:
        self._connection, self._common = connection, common
        self.intake_id = intake_id
        self.changed = Changed()
        self._standing: intake_noes.Standing = []

    def look(self, drafts: Sequence[Draft], firms: Firms) -> list[Draft]:
        """See what stands against the drafts; those of them that are not to be written, since they had themselves
        erased. `firms` are name and business id of the companies that the drafts name, by key."""
        ring = self._common.ring
        self._standing = intake_noes.against(self._connection, ring, drafts, firms)
        return intake_noes.erased(ring, drafts, firms, self._standing)

    def write(self, drafts: Sequence[Draft], firms: Firms) -> None:
        """Write the drafts, of those that were looked at."""
        self._write_contacts(drafts)
        self._write_positions(drafts, firms)
        self._subscribe(drafts, firms)
        touched = {draft.contact: names for draft in drafts if (names := self.names(draft))}
        needy = self._without_basis(drafts)
        if touched or needy:
            intake_id = self._intake()
            bases.grant_many(self._connection, needy, self._basis(intake_id))
            for contact in needy:
                touched.setdefault(contact, set()).add("basis")
            self.changed.bases.update(needy)
            self._write_origins(drafts, touched, intake_id)
            self._audit(drafts, sorted(touched))
            raise_epoch(self._connection)

    def names(self, draft: Draft) -> set[str]:
        """What of a contact the chunk set or began."""
        names = set(draft.rows[0][1])
        for _, fields in draft.rows[1:]:
            names |= fields
        if draft.contact in self.changed.positions:
            names.add("position")
        if draft.contact in self.changed.subscriptions:
            names.add("subscription")
        return names

    def _write_contacts(self, drafts: Sequence[Draft]) -> None:
        new = [draft for draft in drafts if draft.is_new]
        for draft, contact in zip(new, contacts.reserve_ids(self._connection, len(new)), strict=True):
            draft.contact = contact
        rows = (
            (
                draft.contact,
                draft.email and draft.email.wire,
                draft.email_key,
                draft.domain_key,
                draft.postal_key,
                *map(draft.values.get, contacts.PERSON_COLUMNS),
            )
            for draft in new
        )
        key_id = self._common.ring.current_id("fingerprint")
        if new:
            contacts.insert_many(self._connection, rows, key_id, self._common.principal)
        changed = [
            {"contact_id": draft.contact, "postal_key": draft.postal_key, **draft.values}
            for draft in drafts
            if draft.old and not draft.is_new
        ]
        contacts.update_many(self._connection, changed, self._common.principal)

    def _write_positions(self, drafts: Sequence[Draft], firms: Firms) -> None:
        wanted_firms = {key: firms[key] for draft in drafts for key in draft.positions}
        if not wanted_firms:
            return
        principal = self._common.principal
        ids = companies.companies_by_key(self._connection, self._common.ring, wanted_firms, principal)
        known = companies.positions_of(
            self._connection, [draft.contact for draft in drafts if draft.positions and not draft.is_new]
        )
        begun, renamed = {}, {}
        for draft in drafts:
            for key, (name, firm) in draft.positions.items():
                place = (draft.contact, ids[key])
                if place not in known:
                    begun[place] = name
                elif name and known[place] != name and (firm or not known[place]):
                    renamed[place] = name
        companies.start_positions(self._connection, begun, principal)
        companies.rename_positions(self._connection, renamed)
        self.changed.positions.update(contact for contact, _ in (*begun, *renamed))

    def _subscribe(self, drafts: Sequence[Draft], firms: Firms) -> None:
        """Subscribe those who have no subscription yet, unless their "no" stands."""
        barred = intake_noes.kept_off(self._connection, self._common, drafts, firms, self._standing)
        list_id = self._common.mailing_list.id
        known = [draft.contact for draft in drafts if not draft.is_new]
        statuses = subscriptions.statuses(self._connection, list_id, known)
        wanted = {
            draft.contact: "unsubscribed" if draft.contact in barred else "subscribed"
            for draft in drafts
            if draft.contact not in statuses
        }
        subscriptions.start_many(
            self._connection, list_id, wanted, self._common.intake.evidence, self._common.principal
        )
        self.changed.subscriptions.update(wanted)
        self.changed.kept_off = barred | {
            contact for contact, status in statuses.items() if status != "subscribed"
        }

    def _without_basis(self, drafts: Sequence[Draft]) -> list[int]:
        known = [draft.contact for draft in drafts if not draft.is_new]
        had = bases.having(self._connection, known, self._basis(None)) if known else set()
        return [draft.contact for draft in drafts if draft.contact not in had]

    def _basis(self, intake_id: int | None) -> bases.Basis:
        return bases.Basis(self._common.mailing_list.purpose, self._common.intake.basis or "", intake_id)

    def _intake(self) -> int:
        if self.intake_id is None:
            self.intake_id = provenance.begin(self._connection, self._common.intake, self._common.principal)
        return self.intake_id

    def _write_origins(self, drafts: Sequence[Draft], touched: dict[int, set[str]], intake_id: int) -> None:
        origins = {
            draft.contact: Origin(draft.rows[0][0], frozenset(touched[draft.contact]))
            for draft in drafts
            if draft.contact in touched
        }
        again = {
            draft.contact: origins[draft.contact]
            for draft in drafts
            if draft.named_before and draft.contact in origins
        }
        known = provenance.add_fields(self._connection, intake_id, again) if again else set()
        fresh = {contact: origin for contact, origin in origins.items() if contact not in known}
        provenance.record_many(self._connection, intake_id, fresh)

    def _audit(self, drafts: Sequence[Draft], touched: Sequence[int]) -> None:
        subjects = [f"list:{self._common.mailing_list.id}", *(f"contact:{contact}" for contact in touched)]
        old = {f"contact:{draft.contact}": draft.old for draft in drafts if draft.old}
        new = {f"contact:{draft.contact}": draft.changes for draft in drafts if draft.old}
        entry = audit.Entry(
            self._common.principal,
            "contact:register:import",
            subjects,
            self._common.intake.evidence,
            old or None,
            new or None,
        )
        audit.write(self._connection, entry)
