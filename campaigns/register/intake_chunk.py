"""One chunk of an import, within one transaction: who is known, what changes, who may be subscribed.

Promise: a number of statements that does not depend on the number of rows. A person is recognised by the
fingerprint of the address under any key, one without address by the postal fingerprint. A standing "no"
(see `_BARS`) keeps a person unsubscribed; where it was written under an older key, it is written again
under the present one, which the gate compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sa

from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import contacts, objections, subscriptions
from campaigns.register.intake_rows import Person
from campaigns.register.mailing_lists import MailingList
from campaigns.store import schema

_BARS: Final = frozenset({"objection", "restricted", "complaint", "manual", "unsubscribed"})
Outcome = Literal["imported", "updated", "unchanged"]


@dataclass
class Taken:
    """What became of one row: the contact, the fields it set, whether an earlier "no" kept it off the list."""

    number: int
    contact: int
    outcome: Outcome
    fields: set[str]
    withheld: bool = False


@dataclass
class _Draft:
    """A contact as it will be after the chunk."""

    person: Person
    keys: dict[str, Any]
    values: dict[str, Any]
    contact: int | None
    rows: list[tuple[int, set[str]]] = field(default_factory=list)
    positions: dict[bytes, str] = field(default_factory=dict)
    changed: bool = False
    is_new: bool = False


class Chunk:
    """The work on one chunk."""

    def __init__(
        self, connection: sa.Connection, ring: KeyRing, mailing_list: MailingList, principal: Principal
    ) -> None:
        self._connection, self._ring = connection, ring
        self._list, self._principal = mailing_list, principal
        self._companies: dict[bytes, tuple[str, str]] = {}

    def take(self, people: Sequence[tuple[int, Person]], evidence: str) -> list[Taken]:
        """Write the rows; returns what became of each, in their order."""
        drafts = self._drafts(people)
        self._write_contacts(drafts)
        moved = self._write_positions(drafts)
        joined, barred = self._subscribe(drafts, evidence)
        return sorted(
            (row for draft in drafts for row in self._outcomes(draft, moved | joined, barred)),
            key=lambda row: row.number,
        )

    def _drafts(self, people: Sequence[tuple[int, Person]]) -> list[_Draft]:
        identities = [self._identities(person) for _, person in people]
        known = self._known(identities)
        drafts: dict[bytes, _Draft] = {}
        for (number, person), (column, keys) in zip(people, identities, strict=True):
            draft = next((drafts[key] for key in keys if key in drafts), None)
            if draft is None:
                draft = self._draft(
                    person, next((known[column, key] for key in keys if (column, key) in known), None)
                )
                drafts |= dict.fromkeys(keys, draft)
            draft.rows.append((number, self._lay_over(draft, person)))
        return list({id(draft): draft for draft in drafts.values()}.values())

    def _identities(self, person: Person) -> tuple[str, list[bytes]]:
        if person.email is not None:
            return "email_key", list(
                self._ring.fingerprints("address", person.email.comparison_text).values()
            )
        return "postal_key", list(
            self._ring.fingerprints("postal", contacts.postal_text(person.values)).values()
        )

    def _known(self, identities: Sequence[tuple[str, list[bytes]]]) -> dict[tuple[str, bytes], sa.RowMapping]:
        known: dict[tuple[str, bytes], sa.RowMapping] = {}
        for column in ("email_key", "postal_key"):
            keys = {key for wanted, found in identities if wanted == column for key in found}
            for row in contacts.by_keys(self._connection, column, keys) if keys else ():
                known.setdefault((column, bytes(row[column])), row)
        return known

    def _draft(self, person: Person, row: sa.RowMapping | None) -> _Draft:
        if row is None:
            values = dict.fromkeys(contacts.PERSON_COLUMNS)
            return _Draft(
                person, contacts.email_keys(self._ring, person.email), dict(values), None, is_new=True
            )
        values = {name: row[name] for name in (*contacts.PERSON_COLUMNS, "postal_key")}
        keys = {name: row[name] for name in ("email", "email_key", "domain_key")}
        return _Draft(person, keys, dict(values), row["id"])

    def _lay_over(self, draft: _Draft, person: Person) -> set[str]:
        """Lay a row over the draft; returns the names of what it changes."""
        fields = {name for name, value in person.values.items() if draft.values.get(name) != value}
        draft.values.update(person.values)
        has_address = all(draft.values.get(name) for name in ("street", "postal_code", "city"))
        text = contacts.postal_text(draft.values)
        draft.values["postal_key"] = self._ring.fingerprint("postal", text) if has_address else None
        draft.changed = draft.changed or bool(fields)
        if person.company or person.business_id:
            key = self._ring.fingerprint("company", contacts.company_text(person.company, person.business_id))
            self._companies.setdefault(key, (person.company, person.business_id))
            draft.positions[key] = person.position or draft.positions.get(key, "")
        if draft.contact is None and person.email is not None:
            fields.add("email")
        return fields

    def _write_contacts(self, drafts: Sequence[_Draft]) -> None:
        new = [draft for draft in drafts if draft.contact is None]
        key_id = self._ring.current_id("fingerprint")
        rows = [{**draft.values, **draft.keys, "key_id": key_id} for draft in new]
        for draft, contact in zip(
            new, contacts.insert_many(self._connection, rows, self._principal), strict=True
        ):
            draft.contact = contact
        changed = [
            {"contact_id": draft.contact, **draft.values}
            for draft in drafts
            if draft.changed and not draft.is_new
        ]
        contacts.update_many(self._connection, changed, self._principal)

    def _write_positions(self, drafts: Sequence[_Draft]) -> set[int]:
        if not self._companies:
            return set()
        companies = contacts.companies_by_key(self._connection, self._companies, self._principal)
        wanted = {
            (_id(draft), companies[key]): name for draft in drafts for key, name in draft.positions.items()
        }
        known = contacts.positions_of(self._connection, {contact for contact, _ in wanted})
        return contacts.put_positions(self._connection, wanted, known, self._principal)

    def _subscribe(self, drafts: Sequence[_Draft], evidence: str) -> tuple[set[int], set[int]]:
        """Subscribe those who have no subscription yet; returns who is new on the list, and who is kept off it."""
        barred = self._barred(drafts)
        ids = [_id(draft) for draft in drafts]
        statuses = subscriptions.statuses(self._connection, self._list.id, ids)
        wanted = {
            contact: "unsubscribed" if contact in barred else "subscribed"
            for contact in ids
            if contact not in statuses
        }
        subscriptions.start_many(self._connection, self._list.id, wanted, evidence, self._principal)
        kept_off = barred | {contact for contact, status in statuses.items() if status != "subscribed"}
        return set(wanted), kept_off

    def _barred(self, drafts: Sequence[_Draft]) -> set[int]:
        """The contacts against whom a "no" stands, under whichever key it was written."""
        of_key: dict[bytes, set[int]] = {}
        for draft in drafts:
            for key in self._all_keys(draft):
                of_key.setdefault(key, set()).add(_id(draft))
        barred: set[int] = set()
        for no in self._standing(list(of_key)):
            contacts_of_it = of_key[bytes(no["subject_key"])]
            barred |= contacts_of_it
            if no["key_id"] != self._ring.current_id("fingerprint"):
                self._write_again(no, [draft for draft in drafts if _id(draft) in contacts_of_it])
        return barred

    def _all_keys(self, draft: _Draft) -> list[bytes]:
        keys: list[bytes] = []
        if draft.person.email is not None:
            keys += self._ring.fingerprints("address", draft.person.email.comparison_text).values()
            keys += self._ring.fingerprints("domain", draft.person.email.domain).values()
        if draft.values.get("postal_key"):
            keys += self._ring.fingerprints("postal", contacts.postal_text(draft.values)).values()
        for key in draft.positions:
            keys += self._ring.fingerprints("company", contacts.company_text(*self._companies[key])).values()
        return keys

    def _standing(self, keys: list[bytes]) -> list[sa.RowMapping]:
        table = schema.suppression
        found: list[sa.RowMapping] = []
        for start in range(0, len(keys), 10_000):  # databases limit the number of parameters
            statement = sa.select(table).where(
                table.c.subject_key.in_(keys[start : start + 10_000]),
                table.c.lifted_at.is_(None),
                table.c.kind.in_(_BARS),
                table.c.list_id.in_((0, self._list.id)),
                table.c.purpose.in_(("", self._list.purpose)),
                table.c.channel == "",
            )
            found += self._connection.execute(statement).mappings()
        return found

    def _write_again(self, no: sa.RowMapping, drafts: Sequence[_Draft]) -> None:
        for draft in drafts:
            present = self._present_key(no["subject"], draft)
            if present is None:
                continue
            key = objections.SubjectKey(no["subject"], self._ring.current_id("fingerprint"), present)
            scope = objections.Scope(no["list_id"], no["purpose"], no["channel"])
            again = objections.No(
                no["kind"], key, scope, no["origin"], f"suppression {no['id']} under an older key"
            )
            objections.suppress(self._connection, again, self._principal)

    def _present_key(self, subject: str, draft: _Draft) -> bytes | None:
        if subject == "company":
            return next(iter(draft.positions), None)
        column = {"address": "email_key", "domain": "domain_key"}.get(subject)
        key: bytes | None = draft.keys[column] if column else draft.values.get("postal_key")
        return key

    def _outcomes(self, draft: _Draft, moved: set[int], barred: set[int]) -> list[Taken]:
        contact = _id(draft)
        taken = []
        for place, (number, fields) in enumerate(draft.rows):
            first = place == 0
            also = fields | ({"subscription"} if first and contact in moved else set())
            outcome: Outcome = "imported" if first and draft.is_new else "updated" if also else "unchanged"
            taken.append(Taken(number, contact, outcome, also, withheld=contact in barred))
        return taken


def _id(draft: _Draft) -> int:
    if draft.contact is None:
        raise RuntimeError("a draft without its contact")
    return draft.contact
