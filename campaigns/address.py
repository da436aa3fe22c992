"""E-mail addresses: one spelling to send to, one to compare by.

Promise: `parse_email` gives the spelling that goes on the wire (local part as the person writes it, NFC; domain as IDNA
A-label, lower case) and the text that two spellings of one mailbox share (whole address, NFC, case-folded). Everything
that decides about "the same address" uses the latter, through a keyed fingerprint (`campaigns.keyring`).
Fails with `AddressFault`, which says what is wrong and never repeats more than the caller already has.
Sources: RFC 5321 4.5.3.1 (lengths), RFC 5890 (A-labels), RFC 6531 (internationalised local parts).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property

from email_validator import EmailNotValidError, validate_email

from campaigns.errors import AddressFault

LOCAL_PART_OCTETS = 64
ADDRESS_OCTETS = 254


@dataclass(frozen=True)
class EmailAddress:
    """One mailbox: `local` as its owner writes it, `domain` as lower-case A-label."""

    local: str
    domain: str

    @cached_property
    def wire(self) -> str:
        """The spelling for envelope and headers."""
        return f"{self.local}@{self.domain}"

    @cached_property
    def comparison_text(self) -> str:
        """The text that all spellings of this mailbox share."""
        return unicodedata.normalize("NFC", self.wire.casefold())

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the local part can only travel over SMTPUTF8 (RFC 6531)."""
        return not self.local.isascii()


def parse_email(text: str) -> EmailAddress:
    """Read one address as a person or an export writes it.

    Raises:
        AddressFault: not an address, too long, or at a domain that never receives mail.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise AddressFault(str(error)) from None
    address = EmailAddress(unicodedata.normalize("NFC", found.local_part), found.ascii_domain.lower())
    if len(address.local.encode()) > LOCAL_PART_OCTETS or len(address.wire.encode()) > ADDRESS_OCTETS:
        raise AddressFault("The address is longer than mail systems carry.")
    return address


def parse_domain(text: str) -> str:
    """A domain as lower-case A-label, for suppressions of a whole domain.

    Raises:
        AddressFault: not a domain name.
    """
    return parse_email(f"postmaster@{text.strip().lstrip('@')}").domain
