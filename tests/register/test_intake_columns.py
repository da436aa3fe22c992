import pytest

from campaigns.register.intake_columns import _FINNISH, _SWEDISH, COLUMNS, ColumnsFault, read_map, recognise


@pytest.mark.parametrize("heads", [COLUMNS, _SWEDISH, _FINNISH], ids=["en", "sv", "fi"])
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


def test_refuses_one_column_given_twice_and_a_table_that_reaches_nobody() -> None:
    with pytest.raises(ColumnsFault, match="email is there already"):
        recognise(["email", "e-post"], {})
    with pytest.raises(ColumnsFault, match="nobody could be written to"):
        recognise(["first_name", "street", "city"], {})
