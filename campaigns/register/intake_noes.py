"""Which people of an import have said no before.

Promise: a standing "no" of the person (`_BARS`), under whichever key it was written, keeps the person off the list;
where it was written under an older key, it is written again under the present one, which the gate compares. What a
company or a whole domain said is the gate's to heed: it ends with the position or the address there, so it ends no
subscription. Whoever had themselves erased is not taken in at all, and told by `erased`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import companies, contacts, objections, older_keys
from campaigns.register.intake_drafts import Draft
from campaigns.register.mailing_lists import MailingList
from campaigns.register.provenance import Intake
from campaigns.store import bulk, schema

#: Name and business id of companies by their key.
Firms = Mapping[bytes, tuple[str, str]]

_BARS: Final = frozenset({"objection", "restricted", "complaint", "manual", "unsubscribed"})
_PERSONS: Final = frozenset({"address", "postal"})


@dataclass(frozen=True)
class Common:
    """What the rows of one import have in common."""

    ring: KeyRing
    mailing_list: MailingList
    intake: Intake
    principal: Principal

    @property
    def key_id(self) -> int:
        """The id of the key that new fingerprints are made with."""
        return self.ring.current_id("fingerprint")


Standing = list[sa.Row[tuple[object, ...]]]


def against(connection: sa.Connection, ring: KeyRing, drafts: Sequence[Draft], firms: Firms) -> Standing:
    """Every live "no" that may concern somebody of a chunk."""
    return _standing(connection, _all_keys(ring, drafts, firms))


def erased(ring: KeyRing, drafts: Sequence[Draft], firms: Firms, standing: Standing) -> list[Draft]:
    """Those of the new people who had themselves erased: nobody but they themselves brings them back."""
    gone = {
        bytes(no.subject_key) for no in standing if no.origin == objections.ERASURE and no.subject in _PERSONS
    }
    if not gone:
        return []
    new = (draft for draft in drafts if draft.is_new)
    return [draft for draft in new if any(key in gone for key, _ in _keys(ring, draft, firms))]


def kept_off(
    connection: sa.Connection, common: Common, drafts: Sequence[Draft], firms: Firms, standing: Standing
) -> set[int]:
    """The contacts that their own "no" keeps off the list."""
    of_key: dict[bytes, list[tuple[Draft, bytes | None]]] = {}
    for draft in drafts if standing else ():
        for key, present in _keys(common.ring, draft, firms):
            of_key.setdefault(key, []).append((draft, present))
    barred: set[int] = set()
    for no in standing:
        concerned = of_key.get(bytes(no.subject_key), [])
        if no.subject in _PERSONS and _bars(no, common.mailing_list):
            barred |= {draft.contact for draft, _ in concerned}
        if no.key_id != common.key_id:
            for present in {present for _, present in concerned if present is not None}:
                now = objections.SubjectKey(no.subject, common.key_id, present)
                older_keys.carry_one_forward(connection, no.id, now, common.principal)
    return barred


def _bars(no: sa.Row[tuple[object, ...]], mailing_list: MailingList) -> bool:
    """Whether a "no" keeps the person off this list; any other is the gate's to heed."""
    return (
        no.kind in _BARS
        and no.list_id in (0, mailing_list.id)
        and no.purpose in ("", mailing_list.purpose)
        and no.channel == ""
    )


def _all_keys(ring: KeyRing, drafts: Sequence[Draft], firms: Firms) -> set[bytes]:
    if len(ring.keys["fingerprint"]) > 1:
        return {key for draft in drafts for key, _ in _keys(ring, draft, firms)}
    keys = {draft.email_key for draft in drafts}
    keys |= {draft.domain_key for draft in drafts}
    keys |= {draft.postal_key for draft in drafts}
    return {key for key in keys if key is not None}.union(firms)


def _keys(ring: KeyRing, draft: Draft, firms: Firms) -> list[tuple[bytes, bytes | None]]:
    """Every key under which a "no" of the person, the domain or the companies may stand, with the present one."""
    if len(ring.keys["fingerprint"]) == 1:
        own = (draft.email_key, draft.domain_key, draft.postal_key, *draft.positions)
        return [(key, None) for key in own if key is not None]
    texts = [("company", companies.company_text(*firms[key])) for key in draft.positions]
    if draft.email is not None:
        texts += [("address", draft.email.comparison_text), ("domain", draft.email.domain)]
    if draft.postal_key is not None:
        texts.append(("postal", contacts.postal_text(draft.values)))
    under = [ring.fingerprints(subject, text) for subject, text in texts]
    return [(key, keys[ring.current_id("fingerprint")]) for keys in under for key in keys.values()]


def _standing(connection: sa.Connection, keys: Collection[bytes]) -> Standing:
    """Every live "no" under one of the keys, of whatever kind and scope."""
    table = schema.suppression
    known = (table.c[name] for name in ("id", "kind", "subject", "subject_key", "key_id", "origin"))
    scope = (table.c[name] for name in ("list_id", "purpose", "channel"))
    statement = sa.select(*known, *scope).where(table.c.lifted_at.is_(None))
    return list(bulk.matching(connection, statement, table.c.subject_key, keys))
