"""What every level may do, written down a second time by hand: a row of letters for each operation.

Reader, Editor, Sender, Approver, Privacy officer, aDministrator, reporTer, Host operator; W a process, C a contact.
"""

from campaigns.principal import Level, Principal

LETTERS = {
    "R": Principal("account:anna", Level.READER),
    "E": Principal("account:anna", Level.EDITOR),
    "S": Principal("account:anna", Level.SENDER),
    "A": Principal("account:anna", Level.APPROVER),
    "P": Principal("account:anna", Level.PRIVACY_OFFICER),
    "D": Principal("account:anna", Level.ADMINISTRATOR),
    "T": Principal("service:crm", Level.REPORTER),
    "H": Principal("os:kim"),
    "W": Principal("process:worker"),
    "C": Principal("contact:1"),
}
EXPECTED = """
LIST_ADD            . E . . . . . H . .
SEGMENT_SAVE        . E S . . . . H . .
CONTACT_SEE         R E S A P . . H . .
CONTACT_IMPORT      . E . . . . . H . .
CONTACT_EDIT        . E . . P . . H . C
CONTACT_MERGE       . E . . P . . H . .
CONTACT_EXPORT      . . . . P . . H . .
EVENT_RECORD        . E . . . . T H . .
SURVEY_KEEP         . E . . . . . H . .
SURVEY_ANSWER       . . . . . . . H . C
SURVEY_SEE          R E S A P . . H . .
DATUM_FLAG          . E . . P . T H W .
SUPPRESSION_SEE     R E S A P . . H . .
SUPPRESSION_ADD     . E S A P . T H W C
SUPPRESSION_LIFT    . . . . P . . H . C
FAILURES_LIFT       . . . . P . T H W .
SUPPRESSION_REPLAY  . . . . P D . H W .
CAMPAIGN_SEE        R E S A P D . H . .
CAMPAIGN_PREVIEW    . E S A P . . H . .
CAMPAIGN_SUBMIT     . . S . . . . H . .
CAMPAIGN_STOP       . . S A P D . H W .
CAMPAIGN_GO         . . S . . . . H . .
CAMPAIGN_APPROVE    . . . A . . . H . .
SCHEDULE_STOP       . . S A P D . H . .
DELIVERY_SETTLE     . . S . . . T H W .
DELIVERY_RESEND     . . S . . . . H . .
SENDING_HALT        . . S A P D . H W .
SENDING_GO          . . . . P D . H . .
MAIL_SEE            . E . . P . . H . .
MAIL_SETTLE         . E . . P . . H . .
CASE_SEE            R E . . P . . H . .
CASE_OPEN           . E . . P . T H W C
CASE_CLOSE          . . . . P . . H . .
REQUEST_OPEN        . E . . P . T H W C
REQUEST_DECIDE      . . . . P . . H . .
HOLD_CHANGE         . . . . P . . H . .
RETENTION_SWEEP     . . . . P D . H W .
BACKUP_TAKE         . . . . . D . H . .
AUDIT_SEE           . . . . P D . H . .
AUDIT_REDACT        . . . . P . . H . .
AUDIT_CUT           . . . . P . . H W .
AUDIT_ACCEPT        . . . . . D . H . .
ACCOUNT_SEE         . . . . P D . H . .
ACCOUNT_MANAGE      . . . . . D . H . .
TOKEN_MANAGE        . . . . . D . H . .
"""


def expected() -> dict[tuple[str, str], bool]:
    """For every operation and letter whether it may."""
    cells = {}
    for line in EXPECTED.split("\n"):
        name, *signs = line.split() or ("",)
        for letter, sign in zip(LETTERS, signs, strict=bool(name)):
            if sign not in (letter, "."):
                raise ValueError(f"{name}: {sign} stands where {letter} or . should")
            cells[name, letter] = sign == letter
    return cells
