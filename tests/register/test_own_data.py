"""What a person types about themselves: read like any other intake, and every fault has its word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.register.own_data import FIELDS, read_own


@pytest.mark.parametrize(
    "typed,problems",
    [
        ({"first_name": "x" * 300}, {"first_name": "too_long"}),
        ({"last_name": "Lind\x07"}, {"last_name": "characters"}),
        ({"title": "\u202eevil"}, {"title": "characters"}),
        ({"phone": "call me"}, {"phone": "phone"}),
        ({"phone": "+358 40 123 4567 8901 2345"}, {"phone": "phone"}),
        ({"email": "name@"}, {"email": "email"}),
        ({"email": "postmaster@saha.example"}, {"email": "email"}),
        ({"street": "Box 1", "postal_code": "1234", "city": "Vasa"}, {"postal_code": "postal_code"}),
        ({"street": "Box 1", "postal_code": "0150", "city": "Oslo", "country": "Norge"}, {}),
        ({"street": "Box 1", "postal_code": "", "city": "", "country": "FI"},
         {"postal_code": "whole_address", "city": "whole_address"}),
        ({"street": "", "postal_code": "", "city": "", "phone": ""}, {}),
        ({"first_name": " Anna\u00a0 Maria ", "phone": "+358 40 123 4567"}, {}),
    ],
)  # fmt: skip
def test_faults(typed: dict[str, str], problems: dict[str, str]) -> None:
    assert read_own(typed)[1] == problems


def test_values_are_read_as_in_an_import() -> None:
    values, _ = read_own({"first_name": " Anna\u00a0 Maria ", "country": "sverige", "city": ""})
    assert values == {"first_name": "Anna Maria", "country": "SE", "city": ""}


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=250)))
def test_anything_may_be_typed(typed: dict[str, str]) -> None:
    values, problems = read_own(typed)
    assert set(values) | set(problems) == set(typed)
