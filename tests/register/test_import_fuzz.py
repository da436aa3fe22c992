from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.errors import InputError
from tests.register.tables import HEADS, counts, imported, table
from tests.support.register import Register

AWKWARD = st.text(st.characters() | st.sampled_from("@.\"';,\t\r\n\x00\u202e\ufeff=+"), max_size=30)
ROWS = st.lists(st.lists(AWKWARD | st.just("a@b.example") | st.emails(), min_size=7, max_size=7), max_size=6)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ROWS, st.sampled_from(",;\t"), st.sampled_from(["utf-8", "utf-16", "cp1252"]))
def test_whatever_stands_in_the_cells_the_accounts_close_and_a_second_time_changes_nothing(
    sqlite_register: Register, tmp_path: Path, rows: list[list[str]], delimiter: str, encoding: str
) -> None:
    content = table(HEADS, *rows, delimiter=delimiter).encode(encoding, "replace")
    with suppress(InputError):
        first = imported(sqlite_register, tmp_path / "any.csv", content)
        counts(first)
        again = imported(sqlite_register, tmp_path / "any.csv", content)
        assert counts(again) == (0, 0, first.imported + first.updated + first.unchanged, len(first.refused))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda rest: b"email,first_name\n" + rest))
def test_any_octets_give_a_report_or_a_clear_error(
    sqlite_register: Register, tmp_path: Path, content: bytes
) -> None:
    try:
        report = imported(sqlite_register, tmp_path / "any.csv", content)
    except InputError:
        return
    counts(report)
