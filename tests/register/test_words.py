import pytest

from campaigns.register.words import country_code, gender_word, language_code


@pytest.mark.parametrize(
    "text, code",
    [
        ("Svenska", "sv"),
        ("SV-FI", "sv"),
        ("suomi", "fi"),
        ("eng", "en"),
        ("de", "de"),
        ("nb_NO", "nb"),
        ("Svenksa", None),
    ],
)
def test_languages(text: str, code: str | None) -> None:
    assert language_code(text) == code


@pytest.mark.parametrize(
    "text, word", [("Kvinna", "female"), ("mies", "male"), ("X", "other"), ("okänt", "unknown"), ("7", None)]
)
def test_genders(text: str, word: str | None) -> None:
    assert gender_word(text) == word


@pytest.mark.parametrize(
    "text, code",
    [("Suomi", "FI"), ("Åland", "AX"), ("ahvenanmaa", "AX"), ("se", "SE"), ("Jp", "JP"), ("Narnia", None)],
)
def test_countries(text: str, code: str | None) -> None:
    assert country_code(text) == code
