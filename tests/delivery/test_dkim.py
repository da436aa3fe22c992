"""Our signatures, held against dkimpy, which shares no code with us: on composed messages and on captured octets."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from campaigns.content.compose import RecipientView
from campaigns.delivery.dkim import Signer
from campaigns.delivery.dkim_keys import Identity, make_keys, read_keys, records
from campaigns.delivery.transport import ContentFault
from campaigns.errors import KeysFault, RefusedOperation
from tests.content.material import VIEW
from tests.content.test_compose import NAMES, VALUES, composer_of
from tests.operations.place import made_place
from tests.support.smtp_sink import SmtpSink

IDENTITY = Identity("main", "timmero.example", "s1", "s2")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("secrets")
    make_keys(made, IDENTITY)
    return made


def verdicts(message: bytes, folder: Path, identity: Identity = IDENTITY) -> list[bool]:
    """What dkimpy says to each signature of a message."""
    published = {record.name: record.text for record in records(folder, identity)}

    def looked_up(name: bytes, timeout: int = 5) -> bytes:
        return published[name.decode().rstrip(".")].encode()

    count = message.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")
    verifier = dkim.DKIM(message)
    return [verifier.verify(idx=index, dnsfunc=looked_up) for index in range(count)]


def tags(message: bytes) -> dict[str, str]:
    """The tags of the first signature."""
    field = re.match(rb"DKIM-Signature:((?:.|\r\n[ \t])*)\r\n", message)
    assert field
    pairs = "".join(field[1].decode().split()).split(";")
    return dict(pair.split("=", 1) for pair in pairs)


@settings(max_examples=12)
@given(
    st.sampled_from(["all", "plain", "newsletter"]),
    st.builds(
        VIEW._replace,
        first_name=NAMES,
        last_name=NAMES,
        title=VALUES,
        position=VALUES,
        companies=st.lists(VALUES, max_size=4).map(tuple),
        list_name=NAMES,
    ),
)
def test_every_composed_message_verifies(folder: Path, key: str, view: RecipientView) -> None:
    assume(view.list_name.strip())
    message = composer_of(key)[0].compose(view)
    signed = Signer(read_keys(folder, IDENTITY)).signed(message)
    assert signed.endswith(message)
    assert verdicts(signed, folder) == [True, True]


def test_what_is_signed_and_how(folder: Path) -> None:
    signed = Signer(read_keys(folder, IDENTITY)).signed(composer_of("plain")[0].compose(VIEW))
    said = tags(signed)
    assert (said["a"], said["c"], said["d"], said["s"]) == (
        "rsa-sha256", "relaxed/relaxed", "timmero.example", "s1"
    )  # fmt: skip
    assert "l" not in said
    names = said["h"].split(":")
    for name in ("from", "reply-to", "subject", "date", "to", "message-id", "mime-version", "content-type"):
        assert names.count(name) == 2
    assert names.count("list-unsubscribe") == names.count("list-unsubscribe-post") == 2
    assert names.count("cc") == names.count("list-id") == names.count("feedback-id") == 1
    assert all(len(line) <= 78 for line in signed[: signed.index(b"From:")].split(b"\r\n"))


@pytest.mark.parametrize(
    "added", [b"From: x@forger.example", b"Subject: other", b"List-Unsubscribe: <https://forger.example>",
              b"To: x@forger.example", b"Date: Tue, 24 Nov 2026 07:05:10 +0000", b"Cc: x@forger.example"]
)  # fmt: skip
def test_another_field_of_the_same_name_breaks_the_signature(folder: Path, added: bytes) -> None:
    signed = Signer(read_keys(folder, IDENTITY)).signed(composer_of("plain")[0].compose(VIEW))
    assert verdicts(signed, folder) == [True, True]
    assert verdicts(signed.replace(b"From:", added + b"\r\nFrom:", 1), folder) == [False, False]
    head, body = signed.split(b"\r\n\r\n", 1)
    assert verdicts(head + b"\r\n" + added + b"\r\n\r\n" + body, folder) == [False, False]


def test_a_second_attempt_has_the_same_octets(folder: Path) -> None:
    message = composer_of("plain")[0].compose(VIEW)
    one, other = (Signer(read_keys(folder, IDENTITY)) for _ in range(2))
    assert one.signed(message) == other.signed(message) == one.signed(message)


def test_fields_are_signed_from_the_last_and_whatever_their_folding(folder: Path) -> None:
    message = (
        b"FROM: a@timmero.example\r\nList-Help:\t<https://a.example>  \r\nList-Help: <x>,\r\n\t <y>\r\n"
        b"Subject:\r\n a  b\r\n\r\nbody\r\n"
    )
    assert verdicts(Signer(read_keys(folder, IDENTITY)).signed(message), folder) == [True, True]


@pytest.mark.parametrize("message", [b"", b"no header\r\n", b"Subject: a\r\n\r\nbody\r\n"])
def test_a_message_without_author_is_not_signed(folder: Path, message: bytes) -> None:
    with pytest.raises(ContentFault):
        Signer(read_keys(folder, IDENTITY)).signed(message)


def test_keys_are_private_and_never_written_over(tmp_path: Path) -> None:
    only_rsa = replace(IDENTITY, ed25519_selector=None)
    (first,) = make_keys(tmp_path, only_rsa)
    assert first.name == "s1._domainkey.timmero.example"
    assert all(len(piece) <= 255 for piece in re.findall(r'"([^"]*)"', first.zone_line))
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]
    with pytest.raises(RefusedOperation, match="new selector"):
        make_keys(tmp_path, only_rsa)
    both = make_keys(tmp_path, IDENTITY)
    assert both[0] == first
    assert [record.name.partition(".")[0] for record in both] == ["s1", "s2"]


def test_a_key_that_cannot_be_used_stops_everything(tmp_path: Path) -> None:
    path = tmp_path / "dkim-main-rsa.pem"
    with pytest.raises(KeysFault, match="utskick dkim new"):
        read_keys(tmp_path, IDENTITY)
    make_keys(tmp_path, IDENTITY)
    path.chmod(0o640)
    with pytest.raises(KeysFault, match="chmod 600"):
        read_keys(tmp_path, IDENTITY)
    path.chmod(0o600)
    weak = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (that is the point)
    path.write_bytes(weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeysFault, match="2048"):
        read_keys(tmp_path, IDENTITY)
    path.write_text("not a key")
    with pytest.raises(KeysFault, match="cannot be read"):
        read_keys(tmp_path, IDENTITY)


def test_what_arrives_at_the_smarthost_verifies(sqlite_url: str, tmp_path: Path) -> None:
    identity = Identity("main", "nordhamn.example", "u2026", "u2026e")
    make_keys(tmp_path / "var" / "secrets", identity)
    with (
        SmtpSink() as sink,
        made_place(
            tmp_path,
            sqlite_url,
            f"smtp://127.0.0.1:{sink.port}",
            SENDERS__DEFAULT__DKIM="main",
            DKIM__MAIN__ED25519_SELECTOR="u2026e",
        ) as place,
    ):
        place.people(5)
        place.send(place.opened())
        assert len(sink.messages) == 5
        for message in sink.messages:
            assert verdicts(message.content, tmp_path / "var" / "secrets", identity) == [True, True]
