"""A sample register: made-up companies and people in Finland, Sweden and Åland, the same on every run."""

from __future__ import annotations

import csv
import random
import unicodedata
from pathlib import Path
from typing import Final

COMPANIES: Final = 300
CONTACTS: Final = 2_100

_FIRST: Final = {
    "sv": [
        "Astrid",
        "Birger",
        "Cecilia",
        "Daga",
        "Elof",
        "Frej",
        "Gunvor",
        "Hjalmar",
        "Ingrid",
        "Jarl",
        "Karin",
        "Lennart",
        "Märta",
        "Nils",
        "Olga",
        "Per",
    ],
    "fi": [
        "Aino",
        "Eero",
        "Helmi",
        "Ilmari",
        "Jalmari",
        "Kaisa",
        "Lauri",
        "Martta",
        "Niilo",
        "Oili",
        "Päivi",
        "Raimo",
        "Sirkka",
        "Tapio",
        "Urho",
        "Väinö",
    ],
    "en": [
        "Alice",
        "Benjamin",
        "Clara",
        "Dorothy",
        "Edwin",
        "Flora",
        "George",
        "Harriet",
        "Isaac",
        "Judith",
        "Kenneth",
        "Louisa",
        "Martin",
        "Nora",
    ],
}
_LAST: Final = {
    "sv": [
        "Ahlskog",
        "Björkstam",
        "Dahlqvist",
        "Ekholm",
        "Finnäs",
        "Granlund",
        "Holmsten",
        "Lindegren",
        "Nyman",
        "Sandvik",
        "Westerberg",
        "Öhrn",
    ],
    "fi": [
        "Alanko",
        "Hakamäki",
        "Jääskelä",
        "Koivula",
        "Lehtonen",
        "Mäkipuro",
        "Niemistö",
        "Ojala",
        "Peltola",
        "Rantanen",
        "Suvanto",
        "Väyrynen",
    ],
    "en": [
        "Ashdown",
        "Brookfield",
        "Carrington",
        "Dunmore",
        "Eastwood",
        "Fairchild",
        "Greenhalgh",
        "Holloway",
        "Kingsley",
        "Marlowe",
    ],
}
_TRADES: Final = [
    "Bygg",
    "Frakt",
    "Kyl",
    "Maskin",
    "Metall",
    "Papper",
    "Plåt",
    "Skogs",
    "Trä",
    "Varv",
    "El",
    "Glas",
]
_FORMS: Final = {"FI": "Oy", "SE": "AB", "AX": "Ab"}
_POSITIONS: Final = {
    "sv": ("Inköpschef", "Verkstadschef", "Ekonomichef", "Logistikansvarig"),
    "fi": ("Ostopäällikkö", "Tuotantopäällikkö", "Talousjohtaja", "Kuljetusvastaava"),
    "en": ("Head of Purchasing", "Plant Manager", "Finance Director", "Logistics Coordinator"),
}
_TOWNS: Final = {
    "FI": (("00100", "Helsinki"), ("20100", "Turku"), ("65100", "Vaasa"), ("90100", "Oulu")),
    "SE": (("114 55", "Stockholm"), ("411 03", "Göteborg"), ("903 26", "Umeå")),
    "AX": (("22100", "Mariehamn"), ("22410", "Godby")),
}
_STREETS: Final = {"FI": "Satamakatu", "SE": "Hamngatan", "AX": "Torggatan"}
_LANGUAGES_OF: Final = {"FI": ("fi", "fi", "sv", "en"), "SE": ("sv", "sv", "en"), "AX": ("sv",)}
HEADS: Final = (
    "company",
    "business_id",
    "first_name",
    "last_name",
    "position",
    "email",
    "language",
    "street",
    "postal_code",
    "city",
    "country",
)


def write_contacts(path: Path, people: int = CONTACTS) -> None:
    """Write the sample register as a CSV file."""
    chance = random.Random("utskick demo")
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(HEADS)
        companies = [_company(chance, number) for number in range(COMPANIES)]
        for number in range(people):
            table.writerow(_contact(chance, number, companies[number % COMPANIES]))


def _company(chance: random.Random, number: int) -> dict[str, str]:
    country = chance.choices(("FI", "SE", "AX"), (6, 3, 1))[0]
    stem = f"{chance.choice(_LAST['sv'])}s {chance.choice(_TRADES)}"
    postal_code, city = chance.choice(_TOWNS[country])
    return {
        "company": f"{stem} {number + 1} {_FORMS[country]}",
        "business_id": f"{number:07d}-0",
        "domain": f"{_plain(stem)}{number + 1}.example",
        "street": f"{_STREETS[country]} {chance.randint(1, 90)}",
        "postal_code": postal_code,
        "city": city,
        "country": country,
    }


def _contact(chance: random.Random, number: int, company: dict[str, str]) -> list[str]:
    language = chance.choice(_LANGUAGES_OF[company["country"]])
    first, last = chance.choice(_FIRST[language]), chance.choice(_LAST[language])
    address = f"{_plain(first)}.{_plain(last)}{number}@{company['domain']}"
    person = [first, last, chance.choice(_POSITIONS[language]), address, language]
    place = [company[name] for name in ("street", "postal_code", "city", "country")]
    return [company["company"], company["business_id"], *person, *place]


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold()).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters if letter.isalnum())
