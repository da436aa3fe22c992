"""Who may do what: one table of operations and levels, asked by the functions that it protects.

Promise: what the table does not allow is denied (`NotAllowed`), and nothing has happened then; a principal without a
level may do nothing. `demand` is called at the head of every function that changes the register or shows personal data,
by whatever way the call came. The table is shown in docs/reference/access.md, and a test calls the functions for every
cell of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from campaigns.errors import NotAllowed
from campaigns.principal import Level, Principal

_R, _E, _S, _A = Level.READER, Level.EDITOR, Level.SENDER, Level.APPROVER
_P, _M, _T = Level.PRIVACY_OFFICER, Level.ADMINISTRATOR, Level.REPORTER
_H, _W, _C = Level.HOST, Level.PROCESS, Level.CONTACT


class Operation(StrEnum):
    """What can be done, each with its words for people."""

    LIST_ADD = "add a mailing list"
    SEGMENT_SAVE = "save a segment"
    CONTACT_SEE = "see what is held on a contact"
    CONTACT_IMPORT = "import contacts"
    CONTACT_EDIT = "correct a contact"
    CONTACT_MERGE = "merge contacts, and part them again"
    CONTACT_EXPORT = "give contacts out"
    EVENT_RECORD = "record events of contacts and companies"
    SURVEY_KEEP = "open and close surveys, and import answers"
    SURVEY_ANSWER = "answer a survey"
    SURVEY_SEE = "see what a survey found"
    DATUM_FLAG = "flag a datum as outdated"
    SUPPRESSION_SEE = "look up what stands against an address"
    SUPPRESSION_ADD = "record a no"
    SUPPRESSION_LIFT = "lift a no on evidence"
    FAILURES_LIFT = "lift what failures in a row had stopped"
    SUPPRESSION_REPLAY = "replay the opt-out log"
    CAMPAIGN_SEE = "see campaigns and their accounts"
    CAMPAIGN_PREVIEW = "preview messages to contacts"
    CAMPAIGN_SUBMIT = "submit a campaign"
    CAMPAIGN_STOP = "pause, halt or cancel a campaign"
    CAMPAIGN_GO = "resume or start a campaign"
    CAMPAIGN_APPROVE = "approve a campaign"
    SCHEDULE_STOP = "stop a recurring schedule"
    DELIVERY_SETTLE = "settle an uncertain delivery"
    DELIVERY_RESEND = "send uncertain deliveries again"
    SENDING_HALT = "halt everything"
    SENDING_GO = "end a halt"
    MAIL_SEE = "see mail that nobody could place"
    MAIL_SETTLE = "read parked mail again, or settle it"
    CASE_SEE = "see cases"
    CASE_OPEN = "open a case"
    CASE_CLOSE = "decide a case"
    REQUEST_OPEN = "open a request of a person's rights"
    REQUEST_DECIDE = "identify, extend, refuse or fulfil a request"
    HOLD_CHANGE = "place or lift a legal hold"
    RETENTION_SWEEP = "let records go whose time is over"
    BACKUP_TAKE = "take a backup, or put one back"
    AUDIT_SEE = "read the audit log"
    AUDIT_REDACT = "redact a person in the audit log"
    AUDIT_CUT = "cut the audit log at its beginning"
    AUDIT_ACCEPT = "go on with an audit log that lost its end"
    ACCOUNT_SEE = "list accounts and tokens"
    ACCOUNT_MANAGE = "add, change or disable accounts"
    TOKEN_MANAGE = "issue or revoke tokens"  # noqa: S105 (words for people, no secret)


#: For every operation the levels that may do it.
MATRIX: Final[Mapping[Operation, frozenset[Level]]] = {
    Operation.LIST_ADD: frozenset({_E, _H}),
    Operation.SEGMENT_SAVE: frozenset({_E, _S, _H}),
    Operation.CONTACT_SEE: frozenset({_R, _E, _S, _A, _P, _H}),
    Operation.CONTACT_IMPORT: frozenset({_E, _H}),
    Operation.CONTACT_EDIT: frozenset({_E, _P, _H, _C}),
    Operation.CONTACT_MERGE: frozenset({_E, _P, _H}),
    Operation.CONTACT_EXPORT: frozenset({_P, _H}),
    Operation.EVENT_RECORD: frozenset({_E, _T, _H}),
    Operation.SURVEY_KEEP: frozenset({_E, _H}),
    Operation.SURVEY_ANSWER: frozenset({_H, _C}),
    Operation.SURVEY_SEE: frozenset({_R, _E, _S, _A, _P, _H}),
    Operation.DATUM_FLAG: frozenset({_E, _P, _T, _H, _W}),
    Operation.SUPPRESSION_SEE: frozenset({_R, _E, _S, _A, _P, _H}),
    Operation.SUPPRESSION_ADD: frozenset({_E, _S, _A, _P, _T, _H, _W, _C}),
    Operation.SUPPRESSION_LIFT: frozenset({_P, _H, _C}),
    Operation.FAILURES_LIFT: frozenset({_P, _T, _H, _W}),
    Operation.SUPPRESSION_REPLAY: frozenset({_P, _M, _H, _W}),
    Operation.CAMPAIGN_SEE: frozenset({_R, _E, _S, _A, _P, _M, _H}),
    Operation.CAMPAIGN_PREVIEW: frozenset({_E, _S, _A, _P, _H}),
    Operation.CAMPAIGN_SUBMIT: frozenset({_S, _H}),
    Operation.CAMPAIGN_STOP: frozenset({_S, _A, _P, _M, _H, _W}),
    Operation.CAMPAIGN_GO: frozenset({_S, _H}),
    Operation.CAMPAIGN_APPROVE: frozenset({_A, _H}),
    Operation.SCHEDULE_STOP: frozenset({_S, _A, _P, _M, _H}),
    Operation.DELIVERY_SETTLE: frozenset({_S, _T, _H, _W}),
    Operation.DELIVERY_RESEND: frozenset({_S, _H}),
    Operation.SENDING_HALT: frozenset({_S, _A, _P, _M, _H, _W}),
    Operation.SENDING_GO: frozenset({_P, _M, _H}),
    Operation.MAIL_SEE: frozenset({_E, _P, _H}),
    Operation.MAIL_SETTLE: frozenset({_E, _P, _H}),
    Operation.CASE_SEE: frozenset({_R, _E, _P, _H}),
    Operation.CASE_OPEN: frozenset({_E, _P, _T, _H, _W, _C}),
    Operation.CASE_CLOSE: frozenset({_P, _H}),
    Operation.REQUEST_OPEN: frozenset({_E, _P, _T, _H, _W, _C}),
    Operation.REQUEST_DECIDE: frozenset({_P, _H}),
    Operation.HOLD_CHANGE: frozenset({_P, _H}),
    Operation.RETENTION_SWEEP: frozenset({_P, _M, _H, _W}),
    Operation.BACKUP_TAKE: frozenset({_M, _H}),
    Operation.AUDIT_SEE: frozenset({_P, _M, _H}),
    Operation.AUDIT_REDACT: frozenset({_P, _H}),
    Operation.AUDIT_CUT: frozenset({_P, _H, _W}),
    Operation.AUDIT_ACCEPT: frozenset({_M, _H}),
    Operation.ACCOUNT_SEE: frozenset({_P, _M, _H}),
    Operation.ACCOUNT_MANAGE: frozenset({_M, _H}),
    Operation.TOKEN_MANAGE: frozenset({_M, _H}),
}


def demand(principal: Principal, operation: Operation) -> None:
    """See that a principal may do this.

    Raises:
        NotAllowed: it may not, or the token that it came with was made for other things.
    """
    if not may(principal, operation):
        raise NotAllowed(f"{principal.name} may not {operation.value}")


def may(principal: Principal, operation: Operation) -> bool:
    """Whether a principal may do this."""
    if principal.scope is not None and operation.name.lower() not in principal.scope:
        return False
    return principal.standing in MATRIX.get(operation, frozenset())
