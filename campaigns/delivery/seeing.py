"""Campaigns and their accounts, shown to somebody who may see them. Fails with `NotAllowed`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.delivery import accounts
from campaigns.principal import Principal


def show(engine: sa.Engine, campaign_id: int, principal: Principal) -> dict[str, Any]:
    """As `accounts.show`."""
    demand(principal, Operation.CAMPAIGN_SEE)
    return accounts.show(engine, campaign_id)


def list_campaigns(engine: sa.Engine, principal: Principal) -> list[dict[str, Any]]:
    """As `accounts.list_campaigns`."""
    demand(principal, Operation.CAMPAIGN_SEE)
    return accounts.list_campaigns(engine)


def list_refused(engine: sa.Engine, principal: Principal) -> list[dict[str, Any]]:
    """As `accounts.list_refused`."""
    demand(principal, Operation.CAMPAIGN_SEE)
    return accounts.list_refused(engine)
