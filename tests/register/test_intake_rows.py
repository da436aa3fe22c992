import pytest

from campaigns.register.intake_rows import LONGEST, Person, RowReader, RowRefused


def read(**cells: str) -> Person:
    return RowReader(list(cells)).read(list(cells.values()))


def test_reads_what_is_filled_in_and_tidies_it() -> None:
    found = read(
        email=" Anna.Lind@KUND.example ",
        first_name="A\u030asa\u00a0 Maria",
        city="\u200bÅbo\r\n stad ",
        title="",
        position="Chef",
        company="Kund Ab",
        business_id="FI01120389",
        language="Svenska",
        gender="kvinna",
        country="Suomi",
    )
    assert found.email is not None
    assert found.email.wire == "Anna.Lind@kund.example"
    assert found.values == {
        "first_name": "Åsa Maria",
        "city": "Åbo stad",
        "language": "sv",
        "gender": "female",
        "country": "FI",
    }
    assert (found.company, found.business_id, found.position) == ("Kund Ab", "0112038-9", "Chef")


def test_leaves_out_words_that_it_does_not_know_and_numbers_of_persons() -> None:
    found = read(
        email="a@b.example",
        language="Svenksa",
        gender="7",
        country="Narnia",
        business_id="131052-308T",
        city="X",
    )
    assert found.values == {"country": "Narnia", "city": "X"}
    assert set(found.left_out) == {"language", "gender", "business_id"}
    assert found.business_id == ""


def test_keeps_a_language_that_no_campaign_may_have() -> None:
    assert read(email="a@b.example", language="de-AT").values == {"language": "de"}


@pytest.mark.parametrize(
    "cells, reason",
    [
        ({"email": "no address"}, "email: .*@-sign"),
        ({"email": "x" * 65 + "@b.example"}, "longer than mail systems carry"),
        ({"email": "a@b.invalid"}, "special-use"),
        ({"email": "Abuse@b.example"}, "must not be subscribed"),
        ({"email": "postmaster@b.example"}, "must not be subscribed"),
        ({"email": "noc@b.example"}, "must not be subscribed"),
        ({"email": "security@b.example"}, "must not be subscribed"),
        ({"email": "a@b.example", "first_name": "An\x00na"}, "first_name: holds a control character"),
        ({"email": "a@b.example", "city": "\u202eobA"}, "turns the direction"),
        ({"email": "a@b.example", "city": "\u2028"}, "control character"),
        ({"email": "a@b.example", "city": "\ufffdbo"}, "was lost before"),
        ({"email": "a@b.example", "city": "x" * (LONGEST + 1)}, "longer than"),
        ({"email": "", "street": "Gatan 1", "city": "Åbo"}, "neither an e-mail address nor a whole postal"),
    ],
)
def test_refuses_a_row_with_the_reason(cells: dict[str, str], reason: str) -> None:
    with pytest.raises(RowRefused, match=reason):
        read(**cells)


def test_takes_a_person_who_has_a_postal_address_only() -> None:
    assert read(street="Gatan 1", postal_code="65100", city="Vasa").has_postal_address


def test_nothing_may_stand_in_a_column_without_a_head() -> None:
    assert RowReader(["email", "", None]).read(["a@b.example", " ", "left out"]).values == {}
    with pytest.raises(RowRefused, match="without a head"):
        RowReader(["email", ""]).read(["a@b.example", "x"])
