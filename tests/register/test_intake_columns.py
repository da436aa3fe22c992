import pytest

from campaigns.register.intake_columns import ColumnsFault, read_map, recognise
from campaigns.register.intake_heads import COLUMNS, likely

SWEDISH = [
    "företag",
    "FO-nummer",
    "förnamn",
    "efternamn",
    "kön",
    "titel",
    "befattning",
    "e-post",
    "telefon",
    "språk",
    "gatuadress",
    "postnummer",
    "ort",
    "land",
]
FINNISH = [
    "yritys",
    "Y-tunnus",
    "etunimi",
    "sukunimi",
    "sukupuoli",
    "titteli",
    "asema",
    "sähköposti",
    "puhelin",
    "kieli",
    "katuosoite",
    "postinumero",
    "kaupunki",
    "maa",
]


@pytest.mark.parametrize("heads", [COLUMNS, SWEDISH, FINNISH], ids=["en", "sv", "fi"])
def test_knows_the_heads_of_three_languages_whatever_their_case_and_hyphens(heads: list[str]) -> None:
    assert recognise(heads, {}) == list(COLUMNS)
    assert recognise([head.upper() for head in heads], {}) == list(COLUMNS)
    assert recognise([head.replace("-", "").replace("_", "-") for head in heads], {}) == list(COLUMNS)
    assert recognise([f" \ufeff{head} " for head in heads], {}) == list(COLUMNS)


def test_refuses_undeclared_columns_by_name() -> None:
    with pytest.raises(ColumnsFault) as refused:
        recognise(["email", "Henkilötunnus", "shoe size"], {})
    assert [fault.where for fault in refused.value.faults] == [
        "column 2 'Henkilötunnus'",
        "column 3 'shoe size'",
    ]
    assert "--map 'shoe size=COLUMN'" in str(refused.value)


def test_maps_other_heads_and_leaves_out_what_is_mapped_to_nothing() -> None:
    mapping = read_map(["Mejl=email", "shoe size="])
    assert recognise(["mejl", "Shoe-Size", "förnamn"], mapping) == ["email", None, "first_name"]


@pytest.mark.parametrize("assignment", ["Mejl", "=email", "Mejl=shoe", "  =email"])
def test_refuses_a_map_that_cannot_be_used(assignment: str) -> None:
    with pytest.raises(ColumnsFault, match="write THEIR HEAD=COLUMN"):
        read_map([assignment])


def test_refuses_a_map_of_heads_that_are_not_there_or_mapped_twice() -> None:
    with pytest.raises(ColumnsFault, match="mapped twice"):
        read_map(["a=email", "A=city"])
    with pytest.raises(ColumnsFault, match="no column with this head"):
        recognise(["email"], read_map(["mejl=email"]))


def test_a_table_without_heads_is_told_so_and_its_people_stay_unnamed() -> None:
    with pytest.raises(ColumnsFault) as refused:
        recognise(["asa@kund.example", "Åsa"], {})
    assert "the first row: holds no column heads" in str(refused.value)
    assert "asa@" not in str(refused.value)
    assert recognise(["@", "e-post"], read_map(["@="])) == [None, "email"]


def test_refuses_one_column_given_twice_and_a_table_that_reaches_nobody() -> None:
    with pytest.raises(ColumnsFault, match="email is there already"):
        recognise(["email", "e-post"], {})
    with pytest.raises(ColumnsFault, match="nobody could be written to"):
        recognise(["first_name", "street", "city"], {})


@pytest.mark.parametrize(
    "column, heads",
    [
        ("company", "Company name, Organisation, Företagsnamn, Bolag, Yrityksen nimi"),
        (
            "business_id",
            "Organisationsnummer, Org.nr, Org. nr, Orgnr., Y-tunnus, Liiketunnus, VAT number, ALV-tunnus",
        ),
        ("first_name", "First name, Given name, Förnamn, Etunimet, FNAME"),
        ("last_name", "Surname, Family Name, Efternamn, Sukunimi, Last Name *"),
        ("position", "Job Title, Tehtävänimike"),
        ("email", "E-mail address, Email:, E-postadress, Sähköpostiosoite, Mailadress"),
        ("phone", "Phone number, Tel., Tfn, Telefonnummer, Puh., Puhelinnumero"),
        ("language", "Language code, Språkkod, Kielikoodi"),
        ("street", "Street address, Utdelningsadress, Lähiosoite"),
        ("postal_code", "Postnr, Postnr., Postinr, Postinro, ZIP code, Zip/Postal Code, Postcode"),
        ("city", "Postort, Postitoimipaikka, Town"),
        ("country", "Country/Region, Landskod, Maatunnus"),
    ],
)
def test_knows_what_programs_write_over_their_columns(column: str, heads: str) -> None:
    rest = [other for other in ("email", "street", "postal_code", "city") if other != column]
    for head in heads.split(", "):
        assert recognise([head, *rest], {})[0] == column, head


@pytest.mark.parametrize(
    "head, columns",
    [
        ("Företagsnummer", ("business_id",)),
        ("Namn", ("first_name", "last_name")),
        ("Nimike", ("title", "position")),
        ("Adress", ("street",)),
        ("Postadress", ("street",)),
        ("Mobil", ("phone",)),
        ("Business City", ("city",)),
        ("Mailing Zip/Postal Code", ("postal_code",)),
        ("Asiakkaan sähköposti", ("email",)),
        ("E-post-adres", ("email",)),
        ("Fornamn", ("first_name",)),
        ("Henkilötunnus", ()),
        ("Personnummer", ()),
        ("Personal Social Security Number", ()),
        ("Kundnummer", ()),
        ("shoe size", ()),
        ("Email consent", ()),
    ],
)
def test_asks_what_an_unknown_head_may_mean_and_takes_none_by_guess(
    head: str, columns: tuple[str, ...]
) -> None:
    assert likely(head) == columns
    with pytest.raises(ColumnsFault) as refused:
        recognise(["Sähköposti", head], {})
    (fault,) = refused.value.faults
    assert ("did you mean" in fault.problem) == bool(columns)
    assert all(column in fault.problem for column in columns)
    offered = columns[0] if len(columns) == 1 else "COLUMN"
    assert f"--map '{head}={offered}'" in fault.problem
