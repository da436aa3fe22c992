"""Our own DKIM signatures (RFC 6376, 8301, 8463), for installations whose smarthost does not sign.

Promise: what `signed` returns is the given message with one signature per key in front, each of which verifies over
exactly these octets: relaxed/relaxed, no `l=`, no `t=`, so that a second attempt has the same octets as the first.
Signed is every field that says who writes, to whom, what and how to leave the list; those that a forger would want to
double are named once more than they occur, so that another one breaks the signature (RFC 6376 8.15).
The body is hashed as it stands, since the composer emits the relaxed form. Fails with `ContentFault` for a message
that has no header or no From. A `Signer` is immutable after construction and may be shared by threads.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from campaigns.delivery.transport import ContentFault

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]

#: Named once more than they occur.
OVERSIGNED: Final = (
    b"from",
    b"reply-to",
    b"subject",
    b"date",
    b"to",
    b"cc",
    b"mime-version",
    b"content-type",
    b"message-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
#: Named as often as they occur, together with all fields whose name begins with one of the prefixes.
SIGNED: Final = frozenset({*OVERSIGNED, b"sender", b"content-transfer-encoding", b"feedback-id"})
SIGNED_PREFIXES: Final = (b"list-", b"cfbl-")

_LINE: Final = 76


@dataclass(frozen=True)
class DkimKey:
    """A key whose public half is published at `<selector>._domainkey.<domain>`; `sign` takes canonical header fields
    and gives the signature."""

    domain: str
    selector: str
    algorithm: Algorithm
    sign: Callable[[bytes], bytes]


class Signer:
    """Signs the messages of one sender with each of its keys."""

    def __init__(self, keys: Sequence[DkimKey]) -> None:
        self._keys = tuple(keys)
        self._forms: dict[tuple[bytes, ...], _Form] = {}

    def signed(self, content: bytes) -> bytes:
        """The message with its signatures in front. Content is what the composer makes, CRLF lines throughout.

        Raises:
            ContentFault: the message has no header, or no From.
        """
        end = content.find(b"\r\n\r\n")
        fields = [_relaxed(line) for line in _unfolded(content[: max(end, 0)])]
        names = tuple([name for name, _ in fields])
        form = self._forms.get(names) or self._new_form(names)
        # Nothing before the first value of a recipient is long enough for its hash to be worth keeping.
        body_hash = _base64(sha256(memoryview(content)[end + 4 :]).digest())
        data = b"".join([fields[index][1] for index in form.order])
        signatures = []
        for key, (raw, canonical) in zip(self._keys, form.frames, strict=True):
            signature = _base64(key.sign(b"%b%b%b; b=" % (data, canonical, body_hash)))
            signatures.append(b"%b%b;\r\n b=%b\r\n" % (raw, body_hash, _folded(signature)))
        return b"".join([*signatures, content])

    def _new_form(self, names: tuple[bytes, ...]) -> _Form:
        """Worked out once for each set of fields that messages have; there are few."""
        if b"from" not in names:
            raise ContentFault("A message without From cannot be signed.")
        listed, order = _signed_fields(names)
        form = _Form(order, tuple(_frame(key, listed) for key in self._keys))
        self._forms[names] = form
        return form


@dataclass(frozen=True, slots=True)
class _Form:
    """For messages with the same fields: which of them are hashed, in which order, and per key the signature's
    field up to the body's hash, as sent and as hashed."""

    order: tuple[int, ...]
    frames: tuple[tuple[bytes, bytes], ...]


def _signed_fields(names: tuple[bytes, ...]) -> tuple[list[bytes], tuple[int, ...]]:
    """What `h=` names, and the indices of the fields that this stands for: of equals, the last comes first
    (RFC 6376 5.4.2)."""
    wanted = [*OVERSIGNED, *sorted({name for name in names if _is_signed(name)} - set(OVERSIGNED))]
    listed: list[bytes] = []
    order: list[int] = []
    for name in wanted:
        present = [index for index, other in enumerate(names) if other == name]
        listed += [name] * (len(present) + (name in OVERSIGNED))
        order += reversed(present)
    return listed, tuple(order)


def _is_signed(name: bytes) -> bool:
    return name in SIGNED or name.startswith(SIGNED_PREFIXES)


def _frame(key: DkimKey, listed: Sequence[bytes]) -> tuple[bytes, bytes]:
    place = f"d={key.domain}; s={key.selector};".encode("ascii")
    opening = b"v=1; a=%b; c=relaxed/relaxed;" % key.algorithm.encode("ascii")
    lines = [b"DKIM-Signature: " + opening, b" " + place, *_wrapped(listed), b" bh="]
    return b"\r\n".join(lines), b"dkim-signature:" + b"".join(lines)[len(b"DKIM-Signature: ") :]


def _wrapped(listed: Sequence[bytes]) -> list[bytes]:
    """`h=`, folded after colons."""
    lines, line = [], b" h=" + listed[0]
    for name in listed[1:]:
        line += b":"
        if len(line) + len(name) + 1 > _LINE:
            lines.append(line)
            line = b" "
        line += name
    return [*lines, line + b";"]


def _unfolded(head: bytes) -> list[bytes]:
    return head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n")


def _relaxed(line: bytes) -> tuple[bytes, bytes]:
    """A field's name in small letters, and its relaxed form with its line end (RFC 6376 3.4.2)."""
    name, _, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    return name, b"%b:%b\r\n" % (name, b" ".join(value.split()))


def _folded(text: bytes) -> bytes:
    first, room = _LINE - len(b" b="), _LINE - 1
    return b"\r\n ".join([text[:first], *(text[at : at + room] for at in range(first, len(text), room))])


def _base64(octets: bytes) -> bytes:
    return b2a_base64(octets, newline=False)
