"""What of the look needs no browser: the colours, the sizes of files, the samples and their twins in examples/."""

import json
import re
import tomllib
from typing import Any, Final

import pytest

from campaigns.content.language import LANGUAGES, Language
from tests.look.material import MAILS, ROOT, TEMPLATES, mail

LARGEST_PICTURE: Final = 60_000
LARGEST_HTML: Final = 80_000
TEXT_ON_GROUND: Final = [
    (text, ground) for text in ("ink", "soft", "petrol", "falu") for ground in ("surface", "tint", "canvas")
]


def tokens() -> tuple[dict[str, str], dict[str, str]]:
    """The colours of the pages' style sheet, light and dark."""
    css = (TEMPLATES / "pages" / "page.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    )
    return light, light | dark


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of #RRGGBB, 0 to 1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2), 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def sample(key: str) -> dict[str, Any]:
    return json.loads((TEMPLATES / key / "sample.json").read_text("utf-8"))  # type: ignore[no-any-return]  # JSON


def test_contrast_is_reckoned_as_wcag_does() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_is_legible_on_every_ground(scheme: int) -> None:
    colours = tokens()[scheme]
    pairs = [*TEXT_ON_GROUND, ("on-petrol", "petrol")]
    assert [pair for pair in pairs if contrast(colours[pair[0]], colours[pair[1]]) < 4.5] == []


def test_the_cover_button_is_legible() -> None:
    light, _ = tokens()
    assert contrast(light["ink"], light["ochre"]) >= 4.5


def test_mails_use_no_colour_beside_the_tokens() -> None:
    light, dark = tokens()
    known = {*light.values(), *dark.values(), "#CBD5D5", "#2E4349", "#7F9397"}
    for path in TEMPLATES.rglob("*.mjml"):
        used = {found.upper() for found in re.findall(r"#[0-9A-Fa-f]{6}\b", path.read_text("utf-8"))}
        assert used <= known, path.name


@pytest.mark.parametrize("key", MAILS)
def test_the_example_submission_and_the_sample_say_the_same(key: str) -> None:
    example = tomllib.loads((ROOT / "examples" / f"{key}.toml").read_text("utf-8"))["campaign"]
    assert sample(key) == {"subject": example["subject"], "merge_data": example["merge_data"]}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", MAILS)
def test_buttons_and_preheaders_have_their_lengths(key: str, language: Language) -> None:
    data = sample(key)["merge_data"][language]
    assert len(data["button"]) <= 24
    assert 40 <= len(data["preheader"]) <= 90
    assert data["preheader"] != data["headline"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", MAILS)
def test_a_mail_is_small_and_its_text_part_complete(key: str, language: Language) -> None:
    look = mail(key, language)
    assert len(look.html.encode()) <= LARGEST_HTML
    for needed in ("/u/AQ", "/p/AQ", "/v/AQ", "Timmerö Oy Ab", "66998", "0000000-0", "Provbygge AB"):
        assert needed in look.html, needed
        assert needed in look.text, needed
    assert "[[" not in look.text + look.html
    assert "\n\n\n\n" not in look.text


@pytest.mark.parametrize("language", ["sv", "fi"])
def test_swedish_and_finnish_quote_with_the_same_mark_on_both_sides(language: str) -> None:
    strings = (TEMPLATES / "strings" / f"{language}.toml").read_text("utf-8")
    texts = strings + "".join(
        json.dumps(sample(key)["merge_data"][language], ensure_ascii=False) for key in MAILS
    )
    assert not set(texts) & set("“„«»")


def test_strings_exist_in_every_language() -> None:
    def paths(table: dict[str, Any], before: str = "") -> set[str]:
        return {
            path
            for name, value in table.items()
            for path in (paths(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}"})
        }

    tables = [
        paths(tomllib.loads((TEMPLATES / "strings" / f"{one}.toml").read_text("utf-8"))) for one in LANGUAGES
    ]
    assert tables[0] == tables[1] == tables[2]


def test_every_picture_is_light() -> None:
    pictures = sorted(TEMPLATES.rglob("*.png"))
    assert len(pictures) >= 12
    assert {
        path.name: path.stat().st_size for path in pictures if path.stat().st_size > LARGEST_PICTURE
    } == {}
