"""The templates folder: read whole, and every way in which it can be wrong is named with its file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from campaigns.content.catalogue import Catalogue, templates_folder
from campaigns.errors import NotFound, TemplateFault

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(templates_folder() / "plain", tmp_path / "plain")
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials" / "foot.mjml").write_text("<p>x</p>")
    (tmp_path / "strings").mkdir()
    for language in ("sv", "fi", "en"):
        (tmp_path / "strings" / f"{language}.toml").write_text('[plain]\nview = "shared"\nonly = "shared"\n')
    (tmp_path / "plain" / "assets").mkdir()
    (tmp_path / "plain" / "assets" / "a.png").write_bytes(PNG)
    return tmp_path


def test_a_template_is_read_whole(folder: Path) -> None:
    catalogue = Catalogue(folder)
    assert catalogue.keys() == ("plain",)
    source = catalogue.load("plain")
    assert (source.key, source.kind) == ("plain", "newsletter")
    assert source.merge_fields["heading"].required
    assert not source.merge_fields["button"].required
    assert set(source.files) == {"plain/template.mjml", "plain/text.txt", "partials/foot.mjml"}
    assert source.assets == {"a.png": PNG}


def test_strings_of_a_template_are_laid_over_the_shared_ones(folder: Path) -> None:
    table = Catalogue(folder).load("plain").strings["en"]["plain"]
    assert isinstance(table, dict)
    assert (table["view"], table["only"]) == ("Read in your browser", "shared")


@pytest.mark.parametrize("key", ["", "nope", "../plain", "plain/..", "partials", "PLAIN", "/etc"])
def test_an_unknown_key_is_not_found(folder: Path, key: str) -> None:
    with pytest.raises(NotFound, match="plain"):
        Catalogue(folder).load(key)


@pytest.mark.parametrize(
    "file, content, line, words",
    [
        ("template.toml", b"name =", 1, "value"),
        ("template.toml", b'name = "x"\nkind = "leaflet"\ndescription = "x"', 1, "newsletter or magazine"),
        ("template.toml", b'kind = "magazine"\ndescription = "x"', 1, "name must be a text"),
        ("template.toml", b'name = "x"\nkind = "magazine"\ndescription = "x"\nmerge_data = 1', 1, "table"),
        (
            "template.toml",
            b'name = "x"\nkind = "magazine"\ndescription = "x"\n[merge_data]\nemail = "x"',
            1,
            "reserved",
        ),
        (
            "template.toml",
            b'name = "x"\nkind = "magazine"\ndescription = "x"\n[merge_data]\na = {}',
            1,
            "description",
        ),
        ("template.mjml", b"\xff\xfe", 1, "UTF-8"),
        ("template.mjml", b"x" * 500_000, 1, "larger"),
        ("sample.json", b'{\n"a": }', 2, "Expecting"),
        ("sample.json", b"[]", 1, "table"),
        ("strings/sv.toml", b"a = 1\n= 2", 2, "nvalid"),
        ("assets/b.gif", b"GIF89a", 1, "neither"),
        ("assets/b.png", b"GIF89a", 1, "not a .png"),
    ],
)
def test_a_wrong_file_is_named(folder: Path, file: str, content: bytes, line: int, words: str) -> None:
    (folder / "plain" / file).write_bytes(content)
    with pytest.raises(TemplateFault) as caught:
        Catalogue(folder).load("plain")
    assert (caught.value.file, caught.value.line) == (f"plain/{file}", line)
    assert words in caught.value.problem


@pytest.mark.parametrize("file", ["template.mjml", "text.txt", "sample.json"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / "plain" / file).unlink()
    with pytest.raises(TemplateFault, match="cannot be read") as caught:
        Catalogue(folder).load("plain")
    assert caught.value.file == f"plain/{file}"
