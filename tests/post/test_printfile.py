"""The address file: its bytes, its manifest, what it refuses."""

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import InputError, NotFound, RefusedOperation
from campaigns.post.cells import formula_restored
from campaigns.post.mail_id import draw, printed
from campaigns.post.manifest import COLUMNS, manifest_path, read_mail_ids, read_manifest
from campaigns.post.postal_address import Layout, PostalAddress, PrintProfile, lay_out
from campaigns.post.printfile import ClosedFile, FileOrigin, PrintFile, PrintRow, file_name

NAME = "A_AM_26-3_sv_FI.csv"
ORIGIN = FileOrigin(campaign=7, gate_epoch=41, created_at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
AT_HOME = PostalAddress(
    company="Kvarnbackens El Ab", person="Siv Å", street="Ån 3", postal_code="00100", city="Esbo"
)


def layout(*, width: int = 30, **change: str) -> Layout:
    laid_out = lay_out(replace(AT_HOME, **change), PrintProfile(width))  # type: ignore[arg-type]  # `change` names fields
    assert isinstance(laid_out, Layout)
    return laid_out


def row(seed: int = 0, at: Layout | None = None, **change: str) -> PrintRow:
    mail_id = printed("AM", "26-3", draw(Random(seed).choice))
    return replace(PrintRow(mail_id, at or layout(), version="sv"), **change)  # type: ignore[arg-type]  # `change` names fields


def close_with(folder: Path, rows: list[PrintRow], name: str = NAME) -> ClosedFile:
    file = PrintFile.open(folder, name)
    for each in rows:
        file.add(each)
    return file.close(ORIGIN)


def cells_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, delimiter=";"))


def test_the_bytes_of_a_file(tmp_path: Path) -> None:
    first = replace(row(), copies=3, sort_key="A1", return_text="Retur")
    closed = close_with(tmp_path, [first, row(1, layout(company='Öl; "Vin" Ab'))])
    assert closed.path.read_bytes().decode() == (
        "mail_id;copies;version;name1;name2;name3;street1;street2;postcode;town;country_code;country_name;"
        "sort_key;return_text\r\n"
        f"{first.mail_id};3;sv;Kvarnbackens El Ab;Siv Å;;Ån 3;;00100;ESBO;FI;;A1;Retur\r\n"
        f'{row(1).mail_id};1;sv;"Öl; ""Vin"" Ab";Siv Å;;Ån 3;;00100;ESBO;FI;;;\r\n'
    )


def test_the_manifest(tmp_path: Path) -> None:
    aland = layout(postal_code="22100", city="Mariehamn")
    rows = [row(0), replace(row(1), copies=4), row(2, aland), row(3, version="fi")]
    closed = close_with(tmp_path, rows)
    assert json.loads((tmp_path / "A_AM_26-3_sv_FI.manifest.json").read_bytes()) == {
        "file": NAME,
        "sha256": hashlib.sha256(closed.path.read_bytes()).hexdigest(),
        "rows": 4,
        "copies": 7,
        "countries": {"AX": 1, "FI": 3},
        "versions": {"fi": 1, "sv": 3},
        "profile": {"width": 30, "max_rows": 6},
        "campaign": 7,
        "gate_epoch": 41,
        "created_at": "2026-11-24T09:30:00.000Z",
        "columns": list(COLUMNS),
        "encoding": "utf-8",
        "byte_order_mark": False,
        "delimiter": ";",
        "line_end": "\r\n",
        "cells": "text; print no apostrophe that stands before = + - or @ at the beginning of a cell",
    }
    assert (closed.sha256, closed.rows) == (read_manifest(closed.path).sha256, 4)
    assert read_mail_ids(closed.path) == [each.mail_id for each in rows]


def test_only_what_is_printed_goes_out() -> None:
    names = "mail_id copies version name1 name2 name3 street1 street2 postcode town country_code country_name"
    assert {*names.split(), "sort_key", "return_text"} == set(COLUMNS)


@given(
    st.lists(
        st.builds(
            PostalAddress,
            company=st.text(st.sampled_from("aÖ;\"'=+-@ ,\t\u2028＝é🙂"), max_size=32),
            person=st.text(max_size=12),
            street=st.text(st.sampled_from('Å 1;"=\n'), min_size=1, max_size=20),
            postal_code=st.sampled_from(["00100", "22100", "00 011", "100"]),
            city=st.text(st.sampled_from("åbo;=\"'-"), min_size=1, max_size=9),
        ),
        max_size=8,
    )
)
def test_whatever_is_laid_out_comes_back_from_the_csv_module(
    make_folder: Callable[[], Path], addresses: list[PostalAddress]
) -> None:
    layouts = [found for address in addresses if isinstance(found := lay_out(address), Layout)]
    rows = [row(number, at) for number, at in enumerate([layout(), *layouts])]
    path = close_with(make_folder(), rows).path
    table = cells_of(path)
    assert [tuple(map(formula_restored, cells.values())) for cells in table] == [
        each.cells() for each in rows
    ]
    for cells in table:
        assert tuple(cells) == COLUMNS
        assert not [text for text in cells.values() if text.lstrip()[:1] in tuple("=+-@＝＋－＠\t\r\n")]
        assert all(
            len(text) <= 30 for name, text in cells.items() if name.startswith(("name", "street", "town"))
        )
        assert len(f"{cells['postcode']} {cells['town']}") <= 30
        assert cells["postcode"] in {"00100", "22100", "00011"}


def test_a_refused_row_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    file = PrintFile.open(tmp_path, NAME)
    file.add(row(0))
    abroad = layout(country="DE", postal_code="10115")
    narrow = layout(width=25)
    for bad, why in [
        (row(1, abroad), "DE does not belong"),
        (row(1, narrow), "another print profile"),
        (row(1, mail_id="AM26-3:K7Q2X94"), "mail_id"),
        (replace(row(1), copies=0), "copies"),
        (replace(row(1), copies=10_000), "copies"),
        (row(1, version=""), "version"),
        (row(1, return_text="a\nb"), "return_text"),
        (row(1, sort_key="\x1b[1m"), "sort_key"),
        (row(1, return_text="x" * 201), "return_text"),
        (row(1, replace(layout(), name2="Siv\tÅ")), "name2"),
        (row(1, replace(layout(), name2="Siv A\u030a")), "name2"),
    ]:
        with pytest.raises(InputError, match=why) as refusal:
            file.add(bad)
        assert "Kvarnbackens" not in str(refusal.value)
    file.add(row(2))
    closed = file.close(ORIGIN)
    assert closed.rows == 2
    assert read_mail_ids(closed.path) == [row(0).mail_id, row(2).mail_id]


@pytest.mark.parametrize(
    "name, at",
    [
        ("A_AM_26-3_sv_SE.csv", {"country": "SE", "postal_code": "11455"}),
        ("A_AM_26-3_sv_XX_2.csv", {"country": "NO", "postal_code": "0150"}),
        (NAME, {"postal_code": "22100"}),
    ],
)
def test_each_country_group_has_its_file(tmp_path: Path, name: str, at: dict[str, str]) -> None:
    assert close_with(tmp_path, [row(0, layout(width=30, **at))], name).path == tmp_path / name


def test_file_names_are_made_safe(tmp_path: Path) -> None:
    assert file_name("AM", "26-3", "sv", "FI") == NAME
    assert file_name("åland_mag", "Hösten 2026/2", "fi", "XX", 12) == "A_aland-mag_Hosten-2026-2_fi_XX_12.csv"
    assert file_name("m" * 99, "1", "sv", "FI") == f"A_{'m' * 40}_1_sv_FI.csv"
    assert file_name("../../etc", "a;b\n", "", "SE") == "A_etc_a-b_x_SE.csv"
    for name in ["../A_a_b_sv_FI.csv", "A_a_b_sv_DE.csv", "A_a_b_sv_FI.csv/..", "x.csv", ""]:
        with pytest.raises(InputError, match="file_name"):
            PrintFile.open(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@given(st.text(), st.text(max_size=90), st.text(), st.integers(0, 10**18 - 1) | st.none())
def test_every_made_name_is_taken(
    make_folder: Callable[[], Path], key: str, edition: str, language: str, number: int | None
) -> None:
    with PrintFile.open(make_folder(), file_name(key, edition, language, "SE", number)) as file:
        assert file.rows == 0


def test_a_closed_file_takes_nothing_more(tmp_path: Path) -> None:
    file = PrintFile.open(tmp_path, NAME)
    file.add(row())
    closed = file.close(ORIGIN)
    before = closed.path.read_bytes()
    with pytest.raises(RefusedOperation, match="closed"):
        file.add(row(1))
    with pytest.raises(RefusedOperation, match="closed"):
        file.close(ORIGIN)
    file.abandon()
    assert closed.path.read_bytes() == before
    assert manifest_path(closed.path).exists()


def test_a_file_without_rows_is_not_handed_over(tmp_path: Path) -> None:
    with PrintFile.open(tmp_path, NAME) as file, pytest.raises(RefusedOperation, match="no rows"):
        file.close(ORIGIN)
    assert list(tmp_path.iterdir()) == []


def test_a_file_changed_later_proves_nothing(tmp_path: Path) -> None:
    closed = close_with(tmp_path, [row()])
    closed.path.write_bytes(closed.path.read_bytes().replace(b"00100", b"100"))
    with pytest.raises(RefusedOperation, match="was changed"):
        read_mail_ids(closed.path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"null", b'{"columns": 3}', b"[" * 100_000])
def test_a_broken_manifest_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    closed = close_with(tmp_path, [row()])
    manifest_path(closed.path).write_bytes(content)
    with pytest.raises(InputError, match="not a manifest"):
        read_manifest(closed.path)


def test_a_manifest_belongs_to_one_file(tmp_path: Path) -> None:
    closed = close_with(tmp_path, [row()])
    other = tmp_path / "A_AM_26-3_fi_FI.csv"
    manifest_path(other).write_bytes(manifest_path(closed.path).read_bytes())
    with pytest.raises(InputError, match="another file"):
        read_manifest(other)
    with pytest.raises(NotFound):
        read_manifest(tmp_path / "A_AM_26-3_en_FI.csv")
