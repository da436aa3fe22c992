"""Every table in the order of the flow: register, submission, campaign, ledger, feedback."""

from __future__ import annotations

from campaigns.store.ledger_tables import (
    asset,
    attempt,
    batch,
    campaign,
    campaign_content,
    campaign_list,
    delivery,
    print_file,
    print_item,
    submission,
)
from campaigns.store.metadata import metadata
from campaigns.store.register_tables import (
    audit,
    audit_value,
    company,
    contact,
    feedback_event,
    gate,
    intake,
    mailing_list,
    position,
    provenance,
    register,
    register_key,
    subscription,
    subscription_history,
    suppression,
)

__all__ = [
    "asset",
    "attempt",
    "audit",
    "audit_value",
    "batch",
    "campaign",
    "campaign_content",
    "campaign_list",
    "company",
    "contact",
    "delivery",
    "feedback_event",
    "gate",
    "intake",
    "mailing_list",
    "metadata",
    "position",
    "print_file",
    "print_item",
    "provenance",
    "register",
    "register_key",
    "submission",
    "subscription",
    "subscription_history",
    "suppression",
]
