"""Every table in the order of the flow: register, submission, campaign, ledger, feedback."""

from __future__ import annotations

from campaigns.store.access_tables import access_token, account, campaign_approval
from campaigns.store.audit_tables import audit, audit_cut, audit_value
from campaigns.store.expansion_tables import expansion
from campaigns.store.feedback_tables import datum_flag, feedback_case, feedback_event, parked_mail
from campaigns.store.gate_tables import claim_count, gate, gate_raise, register, register_key
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
from campaigns.store.merge_tables import contact_merge
from campaigns.store.metadata import metadata
from campaigns.store.opt_in_tables import opt_in
from campaigns.store.people_tables import contact_address, contact_field, event, segment
from campaigns.store.register_tables import (
    company,
    contact,
    contact_basis,
    intake,
    mailing_list,
    position,
    provenance,
    subscription,
    subscription_history,
    suppression,
)
from campaigns.store.retention_tables import campaign_figures, legal_hold, retention_sweep
from campaigns.store.rights_tables import disclosure, disclosure_subject, rights_request, rights_telling
from campaigns.store.schedule_tables import recurrence
from campaigns.store.survey_tables import survey, survey_answer, survey_taken
from campaigns.store.traffic_tables import campaign_brake, warm_up_day

__all__ = [
    "access_token",
    "account",
    "campaign_approval",
    "asset",
    "attempt",
    "audit",
    "audit_cut",
    "audit_value",
    "batch",
    "campaign",
    "campaign_brake",
    "campaign_content",
    "campaign_figures",
    "campaign_list",
    "claim_count",
    "company",
    "contact",
    "contact_address",
    "contact_basis",
    "contact_field",
    "contact_merge",
    "datum_flag",
    "delivery",
    "disclosure",
    "disclosure_subject",
    "event",
    "expansion",
    "feedback_case",
    "feedback_event",
    "gate",
    "gate_raise",
    "intake",
    "legal_hold",
    "mailing_list",
    "metadata",
    "opt_in",
    "parked_mail",
    "position",
    "print_file",
    "print_item",
    "provenance",
    "recurrence",
    "register",
    "register_key",
    "rights_request",
    "rights_telling",
    "retention_sweep",
    "segment",
    "submission",
    "subscription",
    "subscription_history",
    "suppression",
    "survey",
    "survey_answer",
    "survey_taken",
    "warm_up_day",
]
