"""A complete message for one recipient, as octets ready for DATA.

Promise: an RFC 5322 message with CRLF line ends and no other CR or LF, no line over 998 octets and no body
line over 76, no line that begins with a dot (so nothing is to be stuffed), every field exactly once, the text
part before the HTML part, and nothing of any other recipient. The same recipient gives the same octets on
every attempt.

In values for the body, every kind of line break counts as one line feed; other control characters are kept,
encoded. In headers both are refused. Fails with RecipientFault (HeaderFault, MissingField, RenderFault) for
that recipient alone, and at construction with HeaderFault for the campaign's own fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Final, NamedTuple

from campaigns.content import headers
from campaigns.content.headers import HeaderFault
from campaigns.content.language import Language
from campaigns.content.model import CompiledContent
from campaigns.content.render import Renderer, RenderFault

MAX_MESSAGE: Final = 1_000_000

_PART: Final = (
    b"\r\nContent-Type: text/%s; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"Content-Language: %s\r\n\r\n"
)
_FIXED_FIELDS: Final = frozenset(
    (
        *("from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "mime-version"),
        *("content-type", "content-language", "content-transfer-encoding", "list-id", "list-unsubscribe"),
        *("list-unsubscribe-post", "feedback-id", "return-path", "received"),
    )
)


@dataclass(frozen=True)
class CampaignHead:
    """What the headers of a whole campaign share. `date` is aware; `boundary_stem` is a few letters and digits."""

    from_name: str
    from_address: str
    reply_to: str | None
    date: datetime
    feedback_id: str | None
    boundary_stem: str
    language: Language
    extra_headers: tuple[tuple[str, str], ...] = ()
    #: Fields that hold the token of each message for a provider: name, and value with TOKEN for it.
    reference_fields: tuple[tuple[str, str], ...] = ()


class RecipientView(NamedTuple):
    """All that a message may know of its recipient. Texts are blank where nothing is known; `list_id` is
    the bare identifier ("news.mail.example"), `message_id` has its angle brackets, `unsubscribe_mailto`
    begins with "mailto:"."""

    address: str
    first_name: str
    last_name: str
    title: str
    position: str
    companies: tuple[str, ...]
    list_name: str
    list_id: str
    unsubscribe_url: str
    unsubscribe_mailto: str | None
    preferences_url: str
    view_url: str
    message_id: str
    #: Where the address is from, in words, on the first message to somebody who did not give it; else blank.
    source: str = ""

    @property
    def display_name(self) -> str:
        """First and last name as one phrase; blank if neither is known."""
        return f"{self.first_name} {self.last_name}".strip(" ")


def recipient_fields(view: RecipientView) -> dict[str, object]:
    """The names that templates see. A blank field is absent; `companies` is always there, `company` is its
    first."""
    fields: dict[str, object] = {}
    for name, value in zip(_TEXT_FIELDS, _text_values(view), strict=True):
        if value and not value.isspace():
            fields[name] = _line_feeds(value) if "\r" in value else value
    companies = tuple([_line_feeds(name) for name in view.companies if name and not name.isspace()])
    fields["companies"] = companies
    if companies:
        fields["company"] = companies[0]
    return fields


_TEXT_FIELDS: Final = (
    *("first_name", "last_name", "title", "position", "email", "list_name", "source"),
    *("unsubscribe_url", "preferences_url", "view_url"),
)
_text_values: Final = attrgetter(*(name if name != "email" else "address" for name in _TEXT_FIELDS))


class Composer:
    """Composes the messages of one campaign in one language. Immutable after construction; may be shared by
    threads."""

    def __init__(self, content: CompiledContent, head: CampaignHead) -> None:
        self._renderer = Renderer(content)
        self._head, self._references = _constant_head(head), head.reference_fields
        constant = self._renderer.constant_subject
        self._subject = None if constant is None else _subject_field(constant)
        language = head.language.encode()
        self._text_head = _PART % (b"plain", language)
        self._html_head = _PART % (b"html", language)
        self._stem = headers.boundary_stem(head.boundary_stem)

    def compose(self, recipient: RecipientView) -> bytes:
        """The whole message, without the final dot.

        Raises:
            RecipientFault: this recipient's message cannot be made.
        """
        fields = recipient_fields(recipient)
        boundary = self._boundary(recipient.message_id)
        mark = b"--" + boundary
        head = self._recipient_head(recipient, fields, boundary)
        text, html = self._renderer.pieces(fields)
        message = b"".join(
            [*head, mark, self._text_head, *text, mark, self._html_head, *html, mark, b"--\r\n"]
        )
        if len(message) > MAX_MESSAGE:
            raise RenderFault(f"the message would be larger than {MAX_MESSAGE} bytes")
        return message

    def html(self, recipient: RecipientView) -> str:
        """The message as a page for the browser: the HTML part, without the link to itself."""
        fields = recipient_fields(recipient)
        fields.pop("view_url", None)
        return self._renderer.html(fields)

    def _recipient_head(
        self, recipient: RecipientView, fields: dict[str, object], boundary: bytes
    ) -> tuple[bytes, ...]:
        return (
            self._head,
            headers.mailbox_field("To", recipient.display_name, recipient.address),
            self._subject or _subject_field(self._renderer.subject(fields)),
            headers.message_id_field(recipient.message_id),
            *(headers.reference_field(name, form, recipient.message_id) for name, form in self._references),
            headers.list_id_field(recipient.list_name, recipient.list_id),
            headers.list_unsubscribe_field(recipient.unsubscribe_url, recipient.unsubscribe_mailto),
            b'Content-Type: multipart/alternative;\r\n boundary="' + boundary + b'"\r\n\r\n',
        )

    def _boundary(self, message_id: str) -> bytes:
        """Unique per message; "=_" never occurs in quoted-printable (RFC 2045 section 6.7)."""
        digest = blake2b(message_id.encode("utf-8", "replace"), digest_size=10).hexdigest()
        return b"=_" + self._stem + b"_" + digest.encode()


def _constant_head(head: CampaignHead) -> bytes:
    """The fields that all messages of the campaign share."""
    fields = [headers.mailbox_field("From", head.from_name, head.from_address)]
    if head.reply_to:
        fields.append(headers.mailbox_field("Reply-To", "", head.reply_to))
    fields += (
        headers.date_field(head.date),
        b"MIME-Version: 1.0\r\n",
        headers.constant_field("Content-Language", head.language),
        headers.constant_field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
    if head.feedback_id:
        fields.append(headers.feedback_id_field(head.feedback_id))
    names = [name.lower() for name, _ in head.extra_headers]
    if len(set(names)) < len(names) or _FIXED_FIELDS.intersection(names):
        raise HeaderFault("an extra header repeats one that every message has")
    fields += (headers.constant_field(name, value) for name, value in head.extra_headers)
    return b"".join(fields)


def _subject_field(subject: str) -> bytes:
    if not subject.strip():
        raise HeaderFault("Subject: is blank")
    return headers.text_field("Subject", subject)


def _line_feeds(value: str) -> str:
    """The value with every kind of line break as one line feed, so that it means the same wherever pieces
    are cut."""
    return value.replace("\r\n", "\n").replace("\r", "\n")
