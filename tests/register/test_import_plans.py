"""An import looks everybody up by an index: a row costs the same however many the register holds already."""

from pathlib import Path

from tests.register.tables import HEADS, counts, imported, table
from tests.support.plans import listening, scanned
from tests.support.register import Register

#: Tables that may be read whole, and why.
SMALL = {
    "gate": "one row",
    "contact_address": "asked for any one row",
    "intake": "a row for each import",
    "generate_series": "no table: numbers",
}


def test_an_import_reads_no_table_whole(register: Register, tmp_path: Path) -> None:
    # As many as make SQLite choose a table in its order rather than an index and a sort.
    people = [
        (f"Bolag {number // 3} Ab", "", "Åsa", "Öberg", f"a.{number}@bolag.example", "sv", "Vasa")
        for number in range(5_000)
    ]
    path, text = tmp_path / "people.csv", table(HEADS, *people)
    with listening(register.engine) as heard:
        first = imported(register, path, text)
        again = imported(register, path, text)
    assert counts(first)[0] == counts(again)[2] == len(people)
    assert len(heard) > 10
    assert scanned(register.engine, heard, SMALL) == {}
