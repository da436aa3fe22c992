"""Settings of how mail leaves: limits, warm-ups, brakes, signatures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from campaigns.delivery.warm_up import WarmUp
from campaigns.errors import Fault
from workers import settings_checks as checks

# Every command reads the settings; what it takes to hold a campaign is for those that send.
if TYPE_CHECKING:
    from campaigns.delivery.brakes import Brakes

Port = Annotated[int, Field(ge=1, le=65_000)]
#: Messages per second.
Rate = Annotated[float, Field(gt=0, le=100_000)]
Selector = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class WarmUpTable(BaseModel):
    """A new smarthost or sender's domain grows slowly: so many messages on the first day, `growth` times as
    many on each later one, until a day's number would reach `ends_at`; from then on nothing is limited."""

    model_config = checks.STRICT

    starts: date
    first_day: Annotated[int, Field(ge=1)]
    growth: Annotated[float, Field(gt=1, le=10)] = 1.5
    ends_at: Annotated[int, Field(ge=1)]

    def ramp(self) -> WarmUp:
        """The ramp that this describes."""
        return WarmUp(self.starts, self.first_day, self.growth, self.ends_at)


class Limits(BaseModel):
    """How much one smarthost may be given by all machines together; what is left out is not limited."""

    model_config = checks.STRICT

    connections: Annotated[int, Field(ge=1, le=1000)] | None = None
    rate: Rate | None = None
    warm_up: WarmUpTable | None = None


class DomainLimit(BaseModel):
    """How much the recipients of one domain may be given: messages per second, and connections at work on them."""

    model_config = checks.STRICT

    rate: Rate | None = None
    connections: Annotated[int, Field(ge=1, le=1000)] | None = None


class CommonLimits(BaseModel):
    """Limits that hold whatever the smarthost."""

    model_config = checks.STRICT

    domains: dict[checks.Domain, DomainLimit] = {}


class BrakeTable(BaseModel):
    """When a campaign halts by itself; see `campaigns.delivery.brakes`."""

    model_config = checks.STRICT

    after: Annotated[int, Field(ge=1)] = 200
    hard_bounce_percent: Annotated[float, Field(gt=0, le=100)] = 2.0
    complaint_percent: Annotated[float, Field(gt=0, le=100)] = 0.3
    authentication: Annotated[int, Field(ge=1)] = 5

    def brakes(self) -> Brakes:
        """The brakes that this describes."""
        from campaigns.delivery.brakes import Brakes

        return Brakes(
            self.after, self.hard_bounce_percent / 100, self.complaint_percent / 100, self.authentication
        )


class MetricsTable(BaseModel):
    """Where processes other than the web serve `/metrics` and `/readyz`; without a port they do not. Several worker
    processes on one machine take the next ports."""

    model_config = checks.STRICT

    host: str = "127.0.0.1"
    worker_port: Port | None = None
    scheduler_port: Port | None = None
    inbound_port: Port | None = None
    mailbox_port: Port | None = None


class DkimTable(BaseModel):
    """A domain that signs its mail itself. The RSA signature is always made, one with Ed25519 besides where
    that has a selector; the private keys are `dkim-<key>-*.pem` in the secrets folder."""

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
