"""E-mail addresses: one spelling to send to, one to compare by.

Promise: `parse_email` gives the spelling that goes on the wire (local part as the person writes it, NFC; domain as IDNA
A-label, lower case) and the text that two spellings of one mailbox share (whole address, NFC, case-folded). Everything
that decides about "the same address" uses the latter, through a keyed fingerprint (`campaigns.keyring`).
Fails with `AddressFault`, which says what is wrong and never repeats more than the caller already has.
Sources: RFC 5321 4.5.3.1 (lengths), RFC 5890 (A-labels), RFC 6531 (internationalised local parts).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES, DOT_ATOM_TEXT

from campaigns.errors import AddressFault

LOCAL_PART_OCTETS = 64
ADDRESS_OCTETS = 254

_KEPT_DOMAINS: Final = 1 << 14
_COMMON_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_SPELT_LOWER: Final = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)


@dataclass(frozen=True)
class EmailAddress:
    """One mailbox: `local` as its owner writes it, `domain` as lower-case A-label."""

    local: str
    domain: str

    @property
    def wire(self) -> str:
        """The spelling for envelope and headers."""
        return f"{self.local}@{self.domain}"

    @property
    def comparison_text(self) -> str:
        """The text that all spellings of this mailbox share."""
        wire = self.wire
        return wire.lower() if wire.isascii() else unicodedata.normalize("NFC", wire.casefold())

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the local part can only travel over SMTPUTF8 (RFC 6531)."""
        return not self.local.isascii()


def parse_email(text: str) -> EmailAddress:
    """Read one address as a person or an export writes it.

    Raises:
        AddressFault: not an address, too long, or at a domain that never receives mail.
    """
    return _plain(text) or _validated(text)


def parse_domain(text: str) -> str:
    """A domain as lower-case A-label, for suppressions of a whole domain.

    Raises:
        AddressFault: not a domain name.
    """
    return parse_email(f"postmaster@{text.strip().lstrip('@')}").domain


def _plain(text: str) -> EmailAddress | None:
    """What the validator would answer for an address of the common kind, asked once per domain; None for all others."""
    local, sign, domain = text.strip().partition("@")
    if not sign or not DOT_ATOM_TEXT.match(local) or local.lower() in _SPELT_LOWER:
        return None
    if len(local) > LOCAL_PART_OCTETS or len(local) + len(domain) >= ADDRESS_OCTETS:
        return None
    known = _ascii_domain(domain)
    return None if known is None else EmailAddress(local, known)


@lru_cache(_KEPT_DOMAINS)
def _ascii_domain(domain: str) -> str | None:
    if not domain.isascii() or "xn--" in domain.lower():
        return None  # its two spellings differ in length, so that the whole address decides
    lower = domain.lower()
    if _COMMON_DOMAIN.fullmatch(lower) and "--" not in lower:
        return None if lower.rpartition(".")[2] in SPECIAL_USE_DOMAIN_NAMES else lower
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).ascii_domain.lower()
    except EmailNotValidError:
        return None


def _validated(text: str) -> EmailAddress:
    try:
        found = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise AddressFault(str(error)) from None
    address = EmailAddress(unicodedata.normalize("NFC", found.local_part), found.ascii_domain.lower())
    if len(address.local.encode()) > LOCAL_PART_OCTETS or len(address.wire.encode()) > ADDRESS_OCTETS:
        raise AddressFault("The address is longer than mail systems carry.")
    return address
