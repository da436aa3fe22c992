"""Tokens: only we make them, each for one purpose, in one spelling, for ever."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.keyring import KeyRing
from campaigns.tokens import TokenClaims, TokenMaker, TokenPurpose

OLD, NEW = b"o" * 32, b"n" * 32
FIRST = TokenMaker(KeyRing({"token": {1: OLD}, "fingerprint": {1: OLD}}))
ROTATED = TokenMaker(KeyRing({"token": {1: OLD, 7: NEW}, "fingerprint": {1: OLD}}))
CLAIMS = TokenClaims(7, 123_456, 3, 99)
numbers = st.integers(0, 2**32 - 1)
claims = st.builds(TokenClaims, numbers, numbers, numbers, numbers)
purposes = st.sampled_from(TokenPurpose)


@given(purposes, claims)
def test_a_token_says_what_it_was_made_for_in_both_spellings(
    purpose: TokenPurpose, said: TokenClaims
) -> None:
    link, local = ROTATED.for_link(purpose, said), ROTATED.for_local_part(purpose, said)
    assert (len(link), len(local)) == (46, 55)
    assert ROTATED.read_link(purpose, link) == said
    assert ROTATED.read_local_part(purpose, local) == said
    assert ROTATED.read_local_part(purpose, local.upper()) == said
    for other in TokenPurpose:
        if other is not purpose:
            assert ROTATED.read_link(other, link) is None
            assert ROTATED.read_local_part(other, local) is None


@given(claims, claims)
def test_two_deliveries_never_share_a_token(one: TokenClaims, other: TokenClaims) -> None:
    same = FIRST.for_link(TokenPurpose.UNSUBSCRIBE, one) == FIRST.for_link(TokenPurpose.UNSUBSCRIBE, other)
    assert same == (one == other)


def test_every_flipped_bit_is_noticed() -> None:
    link = FIRST.for_link(TokenPurpose.UNSUBSCRIBE, CLAIMS)
    raw = base64.urlsafe_b64decode(link + "==")
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        text = base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()
        assert FIRST.read_link(TokenPurpose.UNSUBSCRIBE, text) is None
        local = base64.b32encode(flipped).rstrip(b"=").decode().lower()
        assert FIRST.read_local_part(TokenPurpose.UNSUBSCRIBE, local) is None


@given(st.integers(0, 45), st.characters(codec="ascii"))
def test_a_link_has_one_spelling(place: int, character: str) -> None:
    link = FIRST.for_link(TokenPurpose.VIEW, CLAIMS)
    other = link[:place] + character + link[place + 1 :]
    assert (FIRST.read_link(TokenPurpose.VIEW, other) is not None) == (other == link)


def other_spellings(text: str) -> list[str]:
    return [
        text + "=",
        text + "==",
        " " + text,
        text + "\n",
        text[:10] + "\n" + text[10:],
        text[:-1],
        text + "A",
    ]


@pytest.mark.parametrize("other", other_spellings(FIRST.for_link(TokenPurpose.VIEW, CLAIMS)))
def test_other_spellings_of_a_link_are_nothing(other: str) -> None:
    assert FIRST.read_link(TokenPurpose.VIEW, other) is None


@pytest.mark.parametrize("other", other_spellings(FIRST.for_local_part(TokenPurpose.VIEW, CLAIMS)))
def test_other_spellings_of_a_local_part_are_nothing(other: str) -> None:
    assert FIRST.read_local_part(TokenPurpose.VIEW, other) is None


def test_letters_that_only_look_alike_in_capitals_are_others() -> None:
    local = FIRST.for_local_part(TokenPurpose.VIEW, CLAIMS)
    for plain, odd in (("ss", "ß"), ("i", "ı"), ("s", "ſ"), ("ff", "ﬀ"), ("k", "\u212a")):
        for spelled in (local, local.upper()):
            if plain in local:
                other = spelled.lower().replace(plain, odd)
                assert FIRST.read_local_part(TokenPurpose.VIEW, other) is None


@given(st.text(max_size=120))
def test_anything_else_is_nothing(text: str) -> None:
    assert FIRST.read_link(TokenPurpose.VIEW, text) is None
    assert FIRST.read_local_part(TokenPurpose.VIEW, text) is None


def test_after_a_rotation_old_tokens_verify_and_new_ones_carry_the_new_key() -> None:
    old = FIRST.for_link(TokenPurpose.UNSUBSCRIBE, CLAIMS)
    new = ROTATED.for_link(TokenPurpose.UNSUBSCRIBE, CLAIMS)
    assert new != old
    assert ROTATED.read_link(TokenPurpose.UNSUBSCRIBE, old) == CLAIMS
    assert ROTATED.read_link(TokenPurpose.UNSUBSCRIBE, new) == CLAIMS
    assert FIRST.read_link(TokenPurpose.UNSUBSCRIBE, new) is None


def test_a_key_of_another_register_verifies_nothing() -> None:
    foreign = TokenMaker(KeyRing({"token": {1: NEW}, "fingerprint": {1: OLD}}))
    assert foreign.read_link(TokenPurpose.VIEW, FIRST.for_link(TokenPurpose.VIEW, CLAIMS)) is None


def test_a_key_that_is_gone_is_not_taken_for_an_empty_one() -> None:
    """A token signed with an empty key must not verify under an id that the ring does not hold."""
    empty = TokenMaker(KeyRing({"token": {9: b""}, "fingerprint": {1: OLD}}))
    assert FIRST.read_link(TokenPurpose.VIEW, empty.for_link(TokenPurpose.VIEW, CLAIMS)) is None
