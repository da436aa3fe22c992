"""Who the rows of a chunk are: known contacts or new ones, and what each row adds to them.

A person is recognised by the fingerprint of the address under any key, one without address by the postal fingerprint;
so two rows of one person meet, in one chunk or in two. Promise: within one file the first row that gives a field wins,
and a row given again adds nothing, which makes an import repeatable. Blank cells never erase. Knows what is stored
only through `Lookup`; writes nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from campaigns.address import EmailAddress
from campaigns.keyring import KeyRing
from campaigns.register import companies, contacts
from campaigns.register.intake_reading import Keyed
from campaigns.register.intake_rows import Person, has_postal_address

#: How stored contacts are found: column of fingerprints, fingerprints -> contact by fingerprint.
Lookup = Callable[[str, Collection[bytes]], Mapping[bytes, Mapping[str, Any]]]

_POSTAL: Final = frozenset({"first_name", "last_name", "street", "postal_code", "city", "country"})
_BITS: Final = {name: 1 << place for place, name in enumerate((*contacts.PERSON_COLUMNS, "position"))}
_PAGE: Final = 1 << 10
#: How many fingerprints of domains and of companies are kept at hand.
_KEPT: Final = 1 << 14
#: Set for every contact that the file has named.
_NAMED: Final = 1 << 63


@dataclass(slots=True)
class Draft:
    """A contact as it will be after the chunk; `contact` is 0 until it has an id.

    `old` are stored values that a row replaced, `given` the fields that rows of this file gave, as bits. A position is
    named by its company's key: its name, and whether the name may replace another one.
    """

    contact: int
    is_new: bool
    key_id: int
    email: EmailAddress | None
    email_key: bytes | None
    domain_key: bytes | None
    postal_key: bytes | None
    values: dict[str, Any]
    old: dict[str, Any] = field(default_factory=dict)
    given: int = 0
    rows: list[tuple[int, set[str]]] = field(default_factory=list)
    positions: dict[bytes, tuple[str, bool]] = field(default_factory=dict)

    @property
    def named_before(self) -> bool:
        """Whether an earlier chunk of the file named this contact."""
        return bool(self.given & _NAMED)

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of a known contact that differ from what is stored, with their new values."""
        return {name: self.values[name] for name in self.old}


class Given:
    """Which fields earlier rows of the file gave to a contact: eight octets for each contact that the file names."""

    def __init__(self) -> None:
        self._pages: dict[int, array[int]] = {}

    def of(self, contact: int) -> int:
        """The fields as bits; 0 for a contact that no earlier chunk named."""
        page = self._pages.get(contact // _PAGE)
        return page[contact % _PAGE] if page else 0

    def note(self, drafts: Iterable[Draft]) -> None:
        """Remember what a chunk has given."""
        for draft in drafts:
            number = draft.contact // _PAGE
            page = self._pages.get(number)
            if page is None:
                page = self._pages[number] = array("Q", bytes(8 * _PAGE))
            page[draft.contact % _PAGE] = draft.given | _NAMED


class Drafting:
    """Makes drafts of rows under one ring of keys, for one file."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._key_id = ring.current_id("fingerprint")
        self._domains: dict[str, bytes] = {}
        self.given = Given()
        self._company_keys: dict[str, bytes] = {}
        self.companies: dict[bytes, tuple[str, str]] = {}

    def drafts(self, people: Sequence[Keyed], lookup: Lookup) -> list[Draft]:
        """One draft for each person of the rows, in the order of their first rows; `companies` are those they name."""
        self.companies = {}
        stored: dict[int, Draft] = {}
        by_email = self._known("email_key", (keyed.email for keyed in people), lookup, stored)
        without = (keyed.post for keyed in people if keyed.email is None)
        by_post = self._known("postal_key", without, lookup, stored)
        made: list[Draft] = []
        for keyed in people:
            drafts, keys = (by_email, keyed.email) if keyed.email else (by_post, keyed.post or [])
            draft = next((drafts[key] for key in keys if key in drafts), None)
            if draft is None:
                draft = drafts[keys[-1]] = self._new(keyed)
            if not draft.rows:
                made.append(draft)
            before = None if draft.is_new and not draft.rows else draft.postal_key
            draft.rows.append((keyed.number, self._lay_over(draft, keyed.person)))
            if draft.postal_key != before:
                _moved(by_post, draft, before)
        return made

    def _known(
        self,
        column: str,
        wanted: Iterable[Sequence[bytes] | None],
        lookup: Lookup,
        stored: dict[int, Draft],
    ) -> dict[bytes, Draft]:
        keys = {key for some in wanted if some for key in some}
        drafts = {}
        for key, row in (lookup(column, keys) if keys else {}).items():
            draft = stored.get(row["id"])
            if draft is None:
                draft = stored[row["id"]] = self._stored(row)
            drafts[key] = draft
        return drafts

    def _kept(self, keys: dict[str, bytes], subject: str, text: str) -> bytes:
        """The present fingerprint of a text that comes again and again."""
        key = keys.get(text)
        if key is None:
            if len(keys) > _KEPT:
                keys.clear()
            key = keys[text] = self._ring.fingerprint(subject, text)
        return key

    def _stored(self, row: Mapping[str, Any]) -> Draft:
        draft = Draft(
            row["id"],
            False,
            row["key_id"],
            None,
            row["email_key"],
            row["domain_key"],
            row["postal_key"],
            {name: row[name] for name in contacts.PERSON_COLUMNS},
        )
        draft.given = self.given.of(draft.contact)
        return draft

    def _new(self, keyed: Keyed) -> Draft:
        address = keyed.person.email
        return Draft(
            0,
            True,
            self._key_id,
            address,
            keyed.email[-1] if keyed.email else None,
            self._kept(self._domains, "domain", address.domain) if address else None,
            keyed.post[-1] if keyed.post else None,
            {},
        )

    def _lay_over(self, draft: Draft, person: Person) -> set[str]:
        """Lay a row over the draft; returns the names of what it changes."""
        draft.email = draft.email or person.email
        first = draft.is_new and not draft.rows
        if first:
            draft.values = dict(person.values)
            draft.given = sum(map(_BITS.__getitem__, draft.values))
            fields = {*draft.values, "email"} if person.email else set(draft.values)
        else:
            fields = _laid_over(draft, person.values)
            if not _POSTAL.isdisjoint(fields):
                self._renew_postal_key(draft)
        if person.company or person.business_id:
            held = len(draft.positions)
            self._place(draft, person)
            if not first and draft.is_new and len(draft.positions) > held:
                fields.add("position")
        return fields

    def _renew_postal_key(self, draft: Draft) -> None:
        whole = has_postal_address(draft.values)
        text = contacts.postal_text(draft.values)
        draft.postal_key = self._ring.fingerprints("postal", text)[draft.key_id] if whole else None

    def _place(self, draft: Draft, person: Person) -> None:
        text = companies.company_text(person.company, person.business_id)
        key = self._kept(self._company_keys, "company", text)
        self.companies.setdefault(key, (person.company, person.business_id))
        name, firm = draft.positions.get(key, ("", True))
        if not name:
            name, firm = person.position, not draft.given & _BITS["position"]
        draft.positions[key] = name, firm
        if name:
            draft.given |= _BITS["position"]


def _moved(by_post: dict[bytes, Draft], draft: Draft, before: bytes | None) -> None:
    """Let a draft be found under the postal address that it has now, and there only."""
    if before is not None and by_post.get(before) is draft:
        del by_post[before]
    if draft.postal_key is not None:
        by_post.setdefault(draft.postal_key, draft)


def _laid_over(draft: Draft, new: Mapping[str, str]) -> set[str]:
    fields = set()
    for name, value in new.items():
        if draft.given & _BITS[name]:
            continue
        draft.given |= _BITS[name]
        if draft.values.get(name) != value:
            if not draft.is_new:
                draft.old[name] = draft.values.get(name)
            draft.values[name] = value
            fields.add(name)
    return fields
