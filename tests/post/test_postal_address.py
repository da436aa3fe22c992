"""Layout of addresses: examples, and the promise that nothing is cut or lost in silence."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.errors import FaultyInput
from campaigns.post.cells import formula_restored, formula_safe, one_line
from campaigns.post.countries import country_of
from campaigns.post.postal_address import (
    PARTS,
    Layout,
    PostalAddress,
    PostalFault,
    PrintProfile,
    lay_out,
    postal_key_text,
)

HELSINKI = PostalAddress(
    company="Kaislarannan Konepaja Oy",
    department="Hankinta",
    person="Tuulikki Ranta-aho",
    street="Sepänkatu 12 B",
    postal_code="00150",
    city="Helsinki",
    country="FI",
)
BORGA = PostalAddress(
    company="Strandvikens Olja Ab", person="Göran Öst", street="PB 31", postal_code="06101", city="Borgå"
)
MARIEHAMN = PostalAddress(
    company="Skärgårdsbygget Ab", street="Norra vägen 9", postal_code="22100", city="Mariehamn", country="FI"
)
STOCKHOLM = PostalAddress(
    company="Furuhöjdens Mek AB",
    position="Inköpschefen",
    street="Box 88",
    postal_code="11455",
    city="Stockholm",
    country="Sverige",
)
BERLIN = PostalAddress(
    company="Groß & Söhne GmbH",
    person="Jörg Weißmüller",
    street="Lindenstraße 4",
    postal_code="D-10115",
    city="Berlin",
    country="Saksa",
)


def laid_out(address: PostalAddress, profile: PrintProfile | None = None) -> Layout:
    layout = lay_out(address, profile or PrintProfile())
    assert isinstance(layout, Layout), layout
    return layout


def refused(address: PostalAddress, profile: PrintProfile | None = None) -> PostalFault:
    fault = lay_out(address, profile or PrintProfile())
    assert isinstance(fault, PostalFault)
    return fault


@pytest.mark.parametrize(
    "address, rows, code, group",
    [
        (
            HELSINKI,
            "Kaislarannan Konepaja Oy|Hankinta|Tuulikki Ranta-aho|Sepänkatu 12 B|00150 HELSINKI",
            "FI",
            "FI",
        ),
        (BORGA, "Strandvikens Olja Ab|Göran Öst|PB 31|06101 BORGÅ", "FI", "FI"),
        (MARIEHAMN, "Skärgårdsbygget Ab|Norra vägen 9|22100 MARIEHAMN", "AX", "FI"),
        (STOCKHOLM, "Furuhöjdens Mek AB|Inköpschefen|Box 88|SE-114 55 STOCKHOLM|SWEDEN", "SE", "SE"),
        (BERLIN, "Groß & Söhne GmbH|Jörg Weißmüller|Lindenstraße 4|10115 BERLIN|GERMANY", "DE", "XX"),
    ],
    ids=["finnish", "finnish-box", "aland", "swedish", "german"],
)
def test_layout_by_country(address: PostalAddress, rows: str, code: str, group: str) -> None:
    layout = laid_out(address)
    assert "|".join(layout.rows) == rows
    assert (layout.country_code, layout.group, layout.findings) == (code, group, ())


def test_aland_is_the_same_whether_stored_as_finland_or_aland() -> None:
    for country in ("FI", "AX", "Åland", "Ahvenanmaa", ""):
        assert laid_out(replace(MARIEHAMN, country=country)) == laid_out(MARIEHAMN)
    assert laid_out(replace(MARIEHAMN, postal_code="AX-22100")) == laid_out(MARIEHAMN)


def test_the_person_may_be_the_addressee() -> None:
    rows = laid_out(replace(HELSINKI, first="person")).rows
    assert rows[:3] == ("Tuulikki Ranta-aho", "Kaislarannan Konepaja Oy", "Hankinta")


def test_two_street_lines_stand_in_two_columns() -> None:
    layout = laid_out(replace(HELSINKI, street="Sepänkatu 12 B\r\n\n c/o  Paja "))
    assert (layout.street1, layout.street2) == ("Sepänkatu 12 B", "c/o Paja")


def test_five_rows_under_a_four_row_profile_lose_exactly_the_department() -> None:
    layout = laid_out(HELSINKI, PrintProfile(30, 4))
    assert layout.rows == (
        "Kaislarannan Konepaja Oy",
        "Tuulikki Ranta-aho",
        "Sepänkatu 12 B",
        "00150 HELSINKI",
    )
    assert [(finding.where, finding.kind) for finding in layout.findings] == [("department", "dropped")]


@pytest.mark.parametrize(
    "max_rows, dropped", [(6, ["department"]), (5, ["department"]), (4, ["department", "position"])]
)
def test_department_goes_before_position(max_rows: int, dropped: list[str]) -> None:
    layout = laid_out(replace(HELSINKI, position="Ostopäällikkö"), PrintProfile(30, max_rows))
    assert [finding.where for finding in layout.findings] == dropped
    assert "Kaislarannan Konepaja Oy" in layout.rows


def test_abroad_the_country_takes_one_of_the_rows() -> None:
    layout = laid_out(STOCKHOLM, PrintProfile(30, 4))
    assert layout.rows == ("Furuhöjdens Mek AB", "Box 88", "SE-114 55 STOCKHOLM", "SWEDEN")
    assert [finding.where for finding in layout.findings] == ["position"]


def test_when_company_and_person_do_not_fit_the_address_is_refused() -> None:
    fault = refused(HELSINKI, PrintProfile(30, 3))
    assert (fault.reason, [f.where for f in fault.faults]) == ("postal_address_unusable", ["rows"])


def test_an_over_long_row_is_refused_with_its_length_and_without_its_text() -> None:
    name = "Pohjoisen Rannikon Vesihuolto-osuuskunta"
    fault = refused(replace(HELSINKI, company=name))
    assert fault.reason == "postal_address_unusable"
    assert str(fault.faults[0]) == f"name1: {len(name)} characters, and the print house takes 30; shorten it"


def test_a_row_of_exactly_the_width_is_printed_and_capitals_count_as_printed() -> None:
    assert laid_out(replace(HELSINKI, company="x" * 30)).name1 == "x" * 30
    # "ß" becomes "SS" in capitals, which makes the row one wider than the town was.
    town = "Weißenburg-am-Oberen-See"
    assert len(f"10115 {town}") == 30
    assert [f.where for f in refused(replace(BERLIN, city=town)).faults] == ["postcode and town"]


def test_no_address_is_another_reason_than_a_bad_one() -> None:
    assert refused(PostalAddress(company="Tyhjä Oy", country="FI")).reason == "no_postal_address"
    assert refused(replace(HELSINKI, street="")).reason == "postal_address_unusable"


def test_all_faults_are_told_at_once() -> None:
    bad = PostalAddress(department="Bokföring", street="a\nb\nc", postal_code="100", city="77", country="FI")
    assert {fault.where for fault in refused(bad).faults} == {"company", "street", "postal_code", "city"}


@pytest.mark.parametrize(
    "change, where",
    [
        ({"country": "Atlantis"}, "country"),
        ({"country": "", "postal_code": "114 55"}, "country"),
        ({"country": "AX"}, "postal_code"),
        ({"country": "SE", "postal_code": "1145"}, "postal_code"),
        ({"postal_code": ""}, "postal_code"),
        ({"city": " "}, "city"),
        ({"person": "Aino\x00Noll"}, "person"),
        ({"city": "Hel\ue000sinki"}, "city"),
    ],
)
def test_faults_name_the_part(change: dict[str, str], where: str) -> None:
    fault = refused(replace(HELSINKI, **change))  # type: ignore[arg-type]  # they name fields
    assert [f.where for f in fault.faults] == [where]


@pytest.mark.parametrize(
    "street, postcode, warned",
    [
        ("PL 55", "85500", True),
        ("pb 4", "22100", True),
        ("P.O. Box 55", "85505", True),
        ("PL 55", "85501", False),
        ("PL 7", "00011", False),
        ("PL 9", "00020", False),
        ("PL 8000", "90014", False),
        ("Plogvägen 55", "85500", False),
        ("Pbatie 1", "85500", False),
    ],
)
def test_a_box_with_a_street_postcode_is_a_warning(street: str, postcode: str, warned: bool) -> None:
    findings = laid_out(replace(HELSINKI, street=street, postal_code=postcode)).findings
    assert [(f.where, f.kind) for f in findings] == ([("postal_code", "warning")] if warned else [])


def test_invisible_characters_and_odd_spaces_leave_no_trace() -> None:
    odd = replace(
        HELSINKI, company="\ufeffKaislarannan\u00a0 Kone\u00adpaja\tOy\u202e", city="\u200bHelsinki"
    )
    assert laid_out(odd) == laid_out(HELSINKI)


def test_a_formula_counts_with_its_apostrophe() -> None:
    layout = laid_out(replace(HELSINKI, company="@" + "a" * 28))
    assert layout.rows[0] == "'@" + "a" * 28
    assert [(f.where, f.kind) for f in layout.findings] == [("rows", "warning")]
    assert refused(replace(HELSINKI, company="@" + "a" * 29)).faults[0].where == "name1"


def test_a_layout_that_does_not_fit_cannot_be_made() -> None:
    good = laid_out(HELSINKI)
    for change in ({"name1": "x" * 31}, {"postcode": ""}, {"profile": PrintProfile(30, 4)}):
        with pytest.raises(FaultyInput):
            replace(good, **change)


@pytest.mark.parametrize("width, rows", [(0, 6), (1000, 6), (30, 2), (30, 99)])
def test_an_impossible_profile_is_refused(width: int, rows: int) -> None:
    with pytest.raises(FaultyInput, match="print profile"):
        PrintProfile(width, rows)


def test_nothing_personal_in_what_may_be_logged() -> None:
    layout = laid_out(HELSINKI, PrintProfile(30, 4))
    fault = refused(replace(HELSINKI, company="Kaislarannan " * 9, country="Kaislaranta"))
    seen = repr(HELSINKI) + repr(layout) + repr(layout.findings) + repr(fault)
    assert not [word for word in ("Kaisla", "Ranta", "Sepänkatu", "00150") if word in seen]


anything = st.text(max_size=40)
wordy = st.text(st.sampled_from("aÅäö ß\u0308\u00ad\u200b\t\n=+-@'\x07ｘ＝0123456789"), max_size=34)
part_text = st.one_of(st.just(""), anything, wordy)
addresses = st.builds(
    PostalAddress,
    company=part_text,
    department=part_text,
    person=part_text,
    position=part_text,
    street=st.one_of(part_text, st.sampled_from(["PL 3", "Gatan 1\nc/o Ek"])),
    postal_code=st.one_of(st.from_regex(r"(SE-)?[0-9]{3} ?[0-9]{2}", fullmatch=True), part_text),
    city=st.one_of(st.sampled_from(["Åbo", "Weißenfels", "Mariehamn"]), part_text),
    country=st.one_of(st.sampled_from(["", "FI", "SE", "AX", "Germany", "Norge"]), part_text),
    first=st.sampled_from(["company", "person"]),
)
profiles = st.builds(PrintProfile, st.integers(20, 40), st.integers(3, 8))


@given(addresses, profiles)
@example(replace(HELSINKI, position="Ostaja"), PrintProfile(30, 4))
@example(STOCKHOLM, PrintProfile())
def test_every_part_is_printed_or_dropped_with_a_finding_or_all_is_refused(
    address: PostalAddress, profile: PrintProfile
) -> None:
    layout = lay_out(address, profile)
    if isinstance(layout, PostalFault):
        assert layout.faults
        return
    assert len(layout.rows) <= profile.max_rows
    assert all(0 < len(row) <= profile.width for row in layout.rows)
    dropped = {finding.where for finding in layout.findings if finding.kind == "dropped"}
    assert dropped <= {"department", "position"}
    names = {layout.name1, layout.name2, layout.name3, ""}
    for part in ("company", "department", "person", "position"):
        assert part in dropped or one_line(getattr(address, part)) in names
    assert one_line(address.street) == one_line(f"{layout.street1} {layout.street2}")
    assert layout.town == one_line(one_line(address.city).upper())
    country = country_of(address.country, address.postal_code)
    assert country is not None
    assert country.compact(layout.postcode) == country.compact(one_line(address.postal_code))


@given(addresses)
def test_key_text_is_the_same_for_all_spellings(address: PostalAddress) -> None:
    loud = {part: f"  {one_line(getattr(address, part))} \u00a0" for part in PARTS}
    assert postal_key_text(replace(address, **loud)) == postal_key_text(address)  # type: ignore[arg-type]  # they name fields


def test_key_text_joins_spellings_and_parts_people() -> None:
    spelt = replace(STOCKHOLM, company="FURUHÖJDENS  mek AB", postal_code="SE-114 55", country="SE")
    assert postal_key_text(spelt) == postal_key_text(STOCKHOLM)
    assert postal_key_text(replace(MARIEHAMN, country="AX")) == postal_key_text(MARIEHAMN)
    assert postal_key_text(replace(STOCKHOLM, person="Eva Ek")) != postal_key_text(STOCKHOLM)
    assert postal_key_text(STOCKHOLM) == "\nfuruhöjdens mek ab\nbox 88\n11455\nstockholm\nSE".casefold()


@given(st.text())
def test_formula_safe_is_undone_exactly(text: str) -> None:
    safe = formula_safe(text)
    assert formula_restored(safe) == text
    assert safe.lstrip("\t\r\n ")[:1] not in tuple("=+-@＝＋－＠")
    assert safe in (text, f"'{text}")


@pytest.mark.parametrize("text", ["=1+1", "+358", "-2", "@x", " =1", "＝1", "'=1", "\t=1", "\u00a0@x"])
def test_formulas_get_their_apostrophe(text: str) -> None:
    assert formula_safe(text) == f"'{text}"
    assert formula_restored(formula_safe(text)) == text
