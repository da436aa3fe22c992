"""Mail ids: the standard's own properties, and what is drawn."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import InputError
from campaigns.post.mail_id import ALPHABET, check_character, draw, is_valid, printed

seeds = st.integers(0, 2**32)


def drawn(seed: int) -> str:
    return draw(Random(seed).choice)


@pytest.mark.parametrize(
    "body, check",
    [
        ("A12425GABC1234002", "M"),  # a release identifier (GRid), the check's best-known user
        ("00000000D07A0090", "Q"),  # an audiovisual work's number (ISAN)
        ("K7Q2X9", "3"),
    ],
)
def test_check_character_of_published_identifiers(body: str, check: str) -> None:
    assert check_character(body) == check


def test_check_character_refuses_what_the_standard_does_not_know() -> None:
    with pytest.raises(ValueError, match="substring"):
        check_character("AÅ")


@given(seeds)
def test_drawn_ids_are_valid_and_leave_out_what_hands_confuse(seed: int) -> None:
    mail_id = drawn(seed)
    assert len(mail_id) == 7
    assert set(mail_id) <= set(ALPHABET)
    assert not set(mail_id) & set("IO01")
    assert is_valid(mail_id)


@given(seeds)
def test_every_single_wrong_character_is_caught(seed: int) -> None:
    mail_id = drawn(seed)
    for at, right in enumerate(mail_id):
        for wrong in set(ALPHABET) - {right}:
            assert not is_valid(mail_id[:at] + wrong + mail_id[at + 1 :])


@given(seeds)
def test_every_swap_of_neighbours_is_caught(seed: int) -> None:
    mail_id = drawn(seed)
    for at, (left, right) in enumerate(pairwise(mail_id)):
        if left != right:
            assert not is_valid(mail_id[:at] + right + left + mail_id[at + 2 :])


def test_an_id_whose_swap_the_standard_would_miss_is_not_drawn() -> None:
    blind, twin = "VZQJED9", "VZQJDE9"
    assert is_valid(blind)
    assert is_valid(twin)
    script = iter(blind[:6] + twin[:6] + "K7Q2X9")
    assert draw(lambda _: next(script)) == "K7Q2X93"


def test_an_id_whose_check_character_would_confuse_is_drawn_again() -> None:
    confusing = next(
        body
        for seed in range(1000)
        if check_character(body := "".join(Random(seed).choices(ALPHABET, k=6))) in "IO01"
    )
    script = iter(confusing + "K7Q2X9")
    assert draw(lambda _: next(script)) == "K7Q2X93"


@pytest.mark.parametrize(
    "key, edition, form",
    [
        ("AM", "26-3", "AM26-3:K7Q2X93"),
        ("åland mag", "Hösten 2026", "ALAND-MAGHOSTEN-2026:K7Q2X93"),
        ("customer-magazine", "2026-11", "CUSTOMER2026-11:K7Q2X93"),
        ("m", "", "M:K7Q2X93"),
    ],
)
def test_printed_form(key: str, edition: str, form: str) -> None:
    assert printed(key, edition, "K7Q2X93") == form
    assert is_valid(form)


@given(st.text(), st.text(max_size=40))
def test_printed_form_is_short_and_reads_back_or_is_refused(key: str, edition: str) -> None:
    try:
        form = printed(key, edition, "K7Q2X93")
    except InputError:
        return
    assert len(form) <= 30
    assert is_valid(form)


def test_a_wrong_id_is_never_printed() -> None:
    with pytest.raises(InputError, match="mail id"):
        printed("AM", "26-3", "K7Q2X94")


@pytest.mark.parametrize(
    "text", ["", "K7Q2X9", "K7Q2X94", "k7q2x93", ":K7Q2X93", "AM:K7Q2X93\n", "ÅM:K7Q2X93"]
)
def test_what_is_no_mail_id(text: str) -> None:
    assert not is_valid(text)
