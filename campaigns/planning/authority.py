"""Who submits: whether a document on the queue may be believed to come from the principal that it names.

Promise: an account is believed only with a signature of this installation, which the command line and the interface for
programs put on what they have let in; a service with a key of its own only with a signature under that key (or of this
installation); everybody else without one, unless the installation demands signatures of all. Whoever was disabled,
or has no right to submit, is refused, also when the document was put on the queue before. The queue itself is open to
whoever can reach it: without signatures, reaching it is the right to submit.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.errors import Fault, NotAllowed
from campaigns.planning.submission import canonical
from campaigns.principal import Principal
from campaigns.register import accounts

_VERSION: Final = "v1"
_PLACE: Final = "submitted_by"


@dataclass(frozen=True)
class Signing:
    """The keys that submissions are signed with: this installation's by id, and those of each service, the newest
    first; whether a signature is demanded of everybody."""

    own: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    services: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)
    demanded: bool = False

    def signed(self, document: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
        """The document as this principal's, with a signature of this installation; the host operator may hand in what
        others have written.

        Raises:
            NotAllowed: not by this principal.
        """
        demand(principal, Operation.CAMPAIGN_SUBMIT)
        author = document.get("submitted_by", principal.name) if principal.kind == "os" else principal.name
        told = {**document, "submitted_by": author}
        return {**told, "signature": signature(told, self.own[max(self.own)])} if self.own else told


def signature(document: Mapping[str, Any], key: bytes) -> str:
    """`v1:` and the HMAC-SHA-256, in hex, over the document without its signature, as canonical JSON."""
    bare = {name: value for name, value in document.items() if name != "signature"}
    return f"{_VERSION}:{hmac.digest(key, canonical(bare), 'sha256').hex()}"


def author_faults(connection: sa.Connection, document: object, signing: Signing) -> list[Fault]:
    """Why a document may not be taken from the principal that it names; nothing of what `read_document` finds."""
    if not isinstance(document, Mapping) or not isinstance(document.get("submitted_by"), str):
        return []
    try:
        principal = Principal(document["submitted_by"])
    except ValueError:
        return []
    return [*_proof_faults(document, principal, signing), *standing_faults(connection, principal)]


def standing_faults(
    connection: sa.Connection, principal: Principal, *, hold: bool = False
) -> Iterator[Fault]:
    """Why a principal may not submit, as it stands now; `hold` keeps that so until the transaction ends."""
    if principal.kind == "service" and not accounts.is_known(connection, principal.name):
        return  # a program that was given nothing but the queue
    if principal.kind in ("account", "service"):
        standing = accounts.standing(connection, principal.name, hold=hold)
        if standing is None:
            yield Fault(_PLACE, f"{principal.name} has no account (any more)")
            return
        principal = standing
    try:
        demand(principal, Operation.CAMPAIGN_SUBMIT)
    except NotAllowed as error:
        yield Fault(_PLACE, str(error))


def _proof_faults(document: Mapping[str, Any], principal: Principal, signing: Signing) -> Iterator[Fault]:
    name = principal.name.partition(":")[2]
    keys = signing.services.get(name, ()) if principal.kind == "service" else ()
    wanted = signing.demanded or principal.kind == "account" or bool(keys)
    if document.get("signature") is None:
        if wanted:
            yield Fault("signature", f"is missing; {principal.name} is not believed without one")
    elif not _fits(document, [*keys, *signing.own.values()]) and (wanted or signing.own):
        yield Fault("signature", f"is not that of {principal.name} over this document")


def _fits(document: Mapping[str, Any], keys: Any) -> bool:
    given = document.get("signature")
    return isinstance(given, str) and any(
        hmac.compare_digest(given.encode("utf-8", "replace"), signature(document, key).encode())
        for key in keys
    )
