"""Countries and their postcodes."""

import pytest

from campaigns.post.countries import country_group, country_of, find_country


@pytest.mark.parametrize(
    "names, code",
    [
        (["FI", "fi", "FIN", "Finland", " SUOMI "], "FI"),
        (["SE", "Sverige", "Ruotsi", "sweden"], "SE"),
        (["AX", "Åland", "A\u030aland", "Ahvenanmaa", "Åland Islands"], "AX"),
        (["DE", "Tyskland", "Saksa", "Germany", "Deutschland"], "DE"),
        (["EE", "Estland", "Viro", "Estonia"], "EE"),
        (["CZ", "Tjeckien", "Tšekki", "Czech Republic"], "CZ"),
    ],
)
def test_a_country_is_known_by_code_and_by_name_in_three_languages(names: list[str], code: str) -> None:
    assert {found.code for name in names if (found := find_country(name))} == {code}
    assert all(find_country(name) for name in names)


@pytest.mark.parametrize("name", ["", "Narnia", "XX", "US", "F I"])
def test_an_unknown_country_is_not_guessed(name: str) -> None:
    assert find_country(name) is None


@pytest.mark.parametrize(
    "country, written, form",
    [
        ("FI", "00100", "00100"),
        ("FI", "FI-00100", "00100"),
        ("FI", "FIN 00100", "00100"),
        ("FI", "00 100", "00100"),
        ("AX", "AX-22100", "22100"),
        ("AX", "FI-22100", "22100"),
        ("SE", "11455", "SE-114 55"),
        ("SE", "114 55", "SE-114 55"),
        ("SE", "SE-114 55", "SE-114 55"),
        ("SE", "S-11455", "SE-114 55"),
        ("DE", "D-10115", "10115"),
        ("NO", "0150", "0150"),
        ("LV", "lv-1010", "LV-1010"),
        ("PL", "00-950", "00-950"),
        ("NL", "1012ab", "1012 AB"),
        ("IE", "d02x285", "D02 X285"),
        ("PT", "1100 148", "1100-148"),
    ],
)
def test_postcodes_get_one_form(country: str, written: str, form: str) -> None:
    found = find_country(country)
    assert found is not None
    assert found.postcode(written) == form


@pytest.mark.parametrize(
    "country, written",
    [
        ("FI", "100"),
        ("FI", "00000"),
        ("FI", "001000"),
        ("FI", "SE-11455"),
        ("FI", "٠٠١٠٠"),  # digits, but no mail sorter's digits
        ("AX", "00100"),
        ("SE", "01455"),
        ("SE", "1145"),
        ("DE", "1011"),
        ("DE", ""),
    ],
)
def test_other_forms_are_no_postcodes(country: str, written: str) -> None:
    found = find_country(country)
    assert found is not None
    assert found.postcode(written) is None


@pytest.mark.parametrize(
    "country, postcode, code",
    [
        ("", "00100", "FI"),
        ("", "22100", "AX"),
        ("FI", "22100", "AX"),
        ("", "SE-114 55", "SE"),
        ("", "AX-22100", "AX"),
        ("SE", "22100", "SE"),
    ],
)
def test_country_of_an_address(country: str, postcode: str, code: str) -> None:
    found = country_of(country, postcode)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("postcode", ["114 55", "1012 AB", "", "XY-123"])
def test_a_foreign_looking_postcode_without_country_is_not_taken_for_finnish(postcode: str) -> None:
    assert country_of("", postcode) is None


def test_aland_goes_with_finland() -> None:
    assert [country_group(code) for code in ("FI", "AX", "SE", "DE")] == ["FI", "FI", "SE", "XX"]
