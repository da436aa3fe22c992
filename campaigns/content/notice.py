"""A plain letter to one person: a few lines of text, no list, no picture, no link but the one it is about.

Promise: as `compose`: CRLF line ends and no other CR or LF, no line over 78 octets in the body, none that begins with a
dot, every field once; the same notice gives the same octets. Fails with HeaderFault for that one notice.
"""

from __future__ import annotations

import quopri
from dataclasses import dataclass
from datetime import datetime

from campaigns.content import headers
from campaigns.content.headers import HeaderFault
from campaigns.content.language import Language


@dataclass(frozen=True)
class Notice:
    """One letter. `message_id` has its angle brackets, `date` is aware, `text` has line feeds."""

    from_name: str
    from_address: str
    reply_to: str | None
    to_address: str
    subject: str
    text: str
    language: Language
    date: datetime
    message_id: str


def compose_notice(notice: Notice) -> bytes:
    """The whole message, without the final dot.

    Raises:
        HeaderFault: a value cannot stand in a header field.
    """
    if not notice.subject.strip():
        raise HeaderFault("Subject: is blank")
    fields = [headers.mailbox_field("From", notice.from_name, notice.from_address)]
    if notice.reply_to:
        fields.append(headers.mailbox_field("Reply-To", "", notice.reply_to))
    fields += (
        headers.mailbox_field("To", "", notice.to_address),
        headers.text_field("Subject", notice.subject),
        headers.date_field(notice.date),
        headers.message_id_field(notice.message_id),
        b"MIME-Version: 1.0\r\n",
        b"Auto-Submitted: auto-generated\r\n",
        headers.constant_field("Content-Language", notice.language),
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
    )
    body = quopri.encodestring(notice.text.encode()).replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n=2E")
    if body.startswith(b"."):
        body = b"=2E" + body[1:]
    return b"".join(fields) + body.removesuffix(b"\r\n") + b"\r\n"
