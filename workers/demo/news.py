"""What the demo's recipients do: one leaves a list by the link, one address is dead by mail, another by webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import smtplib
import time
import urllib.request
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path


@dataclass(frozen=True)
class Kept:
    """One message as it lies in the sink."""

    path: Path
    return_path: str
    recipient: str
    message_id: str
    unsubscribe_url: str


def make_secret(path: Path) -> str:
    """Make a webhook's secret as the settings want it, and return it."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    path.touch(mode=0o600)
    path.write_text(secret + "\n", encoding="ascii")
    return secret


def read_kept(path: Path) -> Kept:
    """Read what matters of a message in the sink."""
    with path.open("rb") as file:
        head = file.read(16_384).partition(b"\r\n\r\n")[0]
    message = message_from_bytes(head)
    link = re.search(r"<(https?://[^>]+)>", str(message["List-Unsubscribe"]))
    return Kept(
        path,
        str(message["Return-Path"]).strip("<> "),
        str(message["Delivered-To"]).strip(),
        str(message["Message-ID"]).strip(),
        link.group(1) if link else "",
    )


def unsubscribe(kept: Kept) -> int:
    """Leave the list as a mail program does (RFC 8058); returns the HTTP status."""
    request = urllib.request.Request(kept.unsubscribe_url, b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def bounce(kept: Kept, port: int) -> None:
    """Send the failure report that a server writes for a dead address (RFC 3464)."""
    report = EmailMessage()
    report["From"] = "MAILER-DAEMON@sink.demo.example"
    report["To"] = kept.return_path
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report["Auto-Submitted"] = "auto-replied"
    report.set_content("The address does not exist.")
    raw = report.as_bytes(policy=policy.SMTP).partition(b"\r\n\r\n")
    head = re.sub(
        rb"(?im)^(Content-Type|Content-Transfer-Encoding|MIME-Version):.*\r\n", b"", raw[0] + b"\r\n"
    )
    parts = (
        b"Content-Type: text/plain\r\n\r\nThe address does not exist.\r\n",
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; sink.demo.example\r\n\r\n"
        b"Final-Recipient: rfc822; " + kept.recipient.encode() + b"\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n",
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: " + kept.message_id.encode() + b"\r\n",
    )
    body = b"".join(b"--=_report\r\n" + part + b"\r\n" for part in parts) + b"--=_report--\r\n"
    kind = b'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="=_report"\r\n'
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as server:
        server.sendmail("", [kept.return_path], head + kind + b"\r\n" + body)


def report_by_webhook(kept: Kept, url: str, secret: str) -> int:
    """Report a dead address as a provider does (Standard Webhooks); returns the HTTP status."""
    body = json.dumps(
        {
            "type": "bounce",
            "class": "hard",
            "message_id": kept.message_id,
            "status": "5.1.1",
            "diagnostic": "550 unknown",
        }
    ).encode()
    event, moment = "evt_demo_1", str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(
        hmac.new(key, f"{event}.{moment}.".encode() + body, hashlib.sha256).digest()
    ).decode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature}",
    }
    request = urllib.request.Request(url, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)
