"""Quoted-printable in pieces: joined in any order, it decodes to the joined text and keeps every rule of the wire."""

from __future__ import annotations

import quopri
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.content import quoted

CHUNKS = st.lists(
    st.one_of(
        st.text(),
        st.text(alphabet="=. \t\n\ra", max_size=200),
        st.text(alphabet="ab.c", min_size=70, max_size=230),
        st.text(alphabet="åbc=.", min_size=70, max_size=230),
    ),
    max_size=6,
)


def body_of(chunks: list[str]) -> bytes:
    pieces = [quoted.encode(chunk) for chunk in chunks]
    quoted.close(pieces)
    return b"".join(pieces)


def canonical(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(CHUNKS)
@example(["a ", "\n"])
@example(["x" * 75 + ".", "y"])
@example(["." * 300])
@example(["a", "", ""])
@example([" ", "\t", "=\r\n"])
def test_joined_pieces_decode_to_the_joined_text(chunks: list[str]) -> None:
    body = body_of(chunks)
    assert body.endswith(b"\r\n")
    decoded = quopri.decodestring(body[:-2]).decode().replace("\r\n", "\n")
    assert decoded == "".join(canonical(chunk) for chunk in chunks)


@given(CHUNKS)
@example(["." * 300])
@example(["å" * 100])
@example(["https://mail.example/u/" + "A" * 51 + "." + "B" * 80])
@example(["a" * 74 + "."])
@example(["a  b", "  ", "\t ", "  a"])
@example([" " * 200])
def test_the_wire_has_no_long_line_no_bare_break_no_dot_and_no_blank_at_an_end(chunks: list[str]) -> None:
    body = body_of(chunks)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", body)
    for line in body.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith(b".")
        assert not line.endswith(b" ")
        assert b"  " not in line
        assert re.fullmatch(rb"[ -~]*", line)
        assert b"=_" not in line


@given(st.text())
def test_a_chunk_always_starts_and_ends_at_column_0(chunk: str) -> None:
    encoded = quoted.encode(chunk)
    assert encoded == b"" if not chunk else encoded.endswith(b"\r\n")


@pytest.mark.parametrize(
    "chunk, encoded",
    [
        ("", b""),
        ("plain", b"plain=\r\n"),
        (".dot", b"=2Edot=\r\n"),
        ("a=b", b"a=3Db=\r\n"),
        ("end ", b"end=20=\r\n"),
        ("a   b", b"a =20=20b=\r\n"),
        ("a\tb", b"a=09b=\r\n"),
        ("line\n", b"line\r\n"),
        ("a\r\rb", b"a\r\n\r\nb=\r\n"),
        ("\x00", b"=00=\r\n"),
        ("å", b"=C3=A5=\r\n"),
        ("y" * 75, b"y" * 75 + b"=\r\n"),
        ("y" * 76, b"y" * 75 + b"=\r\ny=\r\n"),
    ],
)
def test_known_answers_of_a_chunk(chunk: str, encoded: bytes) -> None:
    assert quoted.encode(chunk) == encoded


@pytest.mark.parametrize(
    "chunks,body",
    [
        ([], b"\r\n"),
        ([""], b"\r\n"),
        (["a"], b"a\r\n"),
        (["a", ""], b"a\r\n"),
        (["a\n"], b"a\r\n\r\n"),
        (["a", "b"], b"a=\r\nb\r\n"),
        (["a", "\n"], b"a=\r\n\r\n\r\n"),
        (["a ", ""], b"a=20\r\n"),
    ],
)
def test_a_closed_body_ends_with_the_line_break_of_the_boundary(chunks: list[str], body: bytes) -> None:
    assert body_of(chunks) == body
