"""Every column of every table is declared in the personal-data map, and what is not declared is found."""

from typing import get_args

import pytest
import sqlalchemy as sa

from campaigns.store import data_map, schema
from campaigns.store.columns import personal
from campaigns.store.data_map import Record, nobody

NOTE = Record(
    kind="note",
    subject="contact",
    category="history",
    purposes=("customer_relations",),
    retention="contacts",
    reach="contact_id",
    erasure="blank",
    keys=("id", "contact_id"),
    actors=("written_by",),
)


def notes(*more: sa.Column[object], info: dict[str, object] | None = None) -> sa.MetaData:
    metadata = sa.MetaData()
    columns = (
        sa.Column("id", sa.Integer),
        sa.Column("contact_id", sa.Integer),
        sa.Column("written_by", sa.Text),
    )
    sa.Table("note", metadata, *columns, *more, info=NOTE.info if info is None else info)
    return metadata


def test_every_table_and_every_column_is_declared() -> None:
    """To mend it: see `campaigns.store.data_map`, and the other tables for examples."""
    gaps = list(data_map.gaps(schema.metadata))
    assert not gaps, "\n" + "\n".join(gaps)


def test_every_personal_column_has_category_purpose_and_retention() -> None:
    found = list(data_map.data(schema.metadata))
    assert len(found) > 30
    assert {it.category for it in found} <= set(get_args(data_map.Category))
    assert {it.record.retention for it in found} <= set(get_args(data_map.Retention))
    assert {it.name for it in found if it.given} >= {"contact.email", "contact.last_name", "position.name"}


def test_a_declared_column_passes() -> None:
    assert list(data_map.gaps(notes(personal("text")))) == []


@pytest.mark.parametrize(
    "metadata, words",
    [
        (notes(sa.Column("text", sa.Text)), "note.text is declared as nothing"),
        (notes(sa.Column("at", sa.DateTime)), "note.at is declared as nothing"),
        (notes(personal("text"), info={}), "declare info="),
        (notes(info=nobody("why not", "written_by")), "names contact_id"),
        (notes(personal("text"), info=nobody("why not", "written_by")), "note.text is personal"),
    ],
)  # fmt: skip
def test_a_column_without_a_declaration_fails(metadata: sa.MetaData, words: str) -> None:
    assert any(words in gap for gap in data_map.gaps(metadata)), list(data_map.gaps(metadata))


def test_words_in_nobodys_table_are_named() -> None:
    metadata = sa.MetaData()
    sa.Table(
        "setting", metadata, sa.Column("name", sa.Text), sa.Column("value", sa.JSON), info=nobody("x", "name")
    )
    assert [gap.split()[0] for gap in data_map.gaps(metadata)] == ["setting.value"]
