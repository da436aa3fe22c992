"""Delivery status notifications for tests, written out as mail systems write them."""

from collections.abc import Sequence

HARD = ("5.1.1", "smtp; 550 5.1.1 User unknown")


def report(
    to: str,
    *,
    recipient: str = "anna.lind@kund.example",
    status: str = "5.1.1",
    action: str = "failed",
    diagnostic: str = HARD[1],
    returned: str = "",
    more: Sequence[str] = (),
) -> bytes:
    """A report (RFC 3464) with one recipient; `more` holds further blocks, `returned` the returned message's header."""
    block = f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n"
    block += f"Diagnostic-Code: {diagnostic}\n"
    blocks = "\n".join([block, *more])
    text = (
        f"From: MAILER-DAEMON@relay.example\nTo: {to}\nSubject: Undelivered\nAuto-Submitted: auto-replied\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="skarv"\n\n'
        "--skarv\nContent-Type: text/plain\n\nIt did not go.\n"
        "--skarv\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n"
        f"{blocks}\n"
        f"--skarv\nContent-Type: text/rfc822-headers\n\n{returned}Subject: Nyheter\n\n--skarv--\n"
    )
    return text.replace("\n", "\r\n").encode()


def block(recipient: str, status: str, action: str = "failed") -> str:
    """A further recipient's fields."""
    return f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n"
