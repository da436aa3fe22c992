"""Settings of how mail leaves: signatures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, Field

from campaigns.errors import Fault
from workers import settings_checks as checks

Selector = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class DkimTable(BaseModel):
    """A domain that signs its mail itself. The RSA signature is always made, one with Ed25519 besides where that has a
    selector; the private keys are `dkim-<key>-*.pem` in the secrets folder."""

    model_config = checks.STRICT

    domain: checks.Domain
    selector: Selector
    ed25519_selector: Selector | None = None


def dkim_faults(place: str, address: str, key: str | None, tables: dict[str, DkimTable]) -> Iterator[Fault]:
    """Why a sender's mail cannot be signed as it says: an unknown key, or a domain that DMARC would not align."""
    if key is None:
        return
    if key not in tables:
        yield Fault(f"{place}.dkim", f"there is no [dkim.{key}]")
        return
    author, signer = address.rpartition("@")[2].lower(), tables[key].domain
    if not (_is_within(author, signer) or _is_within(signer, author)):
        yield Fault(f"{place}.dkim", f"[dkim.{key}] signs for {signer}, which is not the domain of {address}")
    if tables[key].ed25519_selector == tables[key].selector:
        yield Fault(f"dkim.{key}.ed25519_selector", "must differ from selector: each has a DNS record")


def _is_within(domain: str, other: str) -> bool:
    return domain == other or domain.endswith(f".{other}")
