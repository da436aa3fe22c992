"""The countries to which a magazine goes from Finland, their names and their postcodes.

The European Economic Area, Åland as a country of its own in the sense of ISO 3166 (AX), and Switzerland. A
country that is not in the table is a fault, never a guess. Post goes out from Finland: no country row at home
and to Åland.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from campaigns.post.cells import one_line

CountryGroup = Literal["FI", "SE", "XX"]


@dataclass(frozen=True, slots=True)
class Country:
    """One country: its ISO 3166 code, its name on a cover (English, capitals) and the form of its postcodes.

    `pattern` is matched against the postcode without spaces, hyphens and country prefix; each `#` of `shape` takes
    one of its characters in turn. `prefixes` are the country marks that may stand before it in a register.
    """

    code: str
    cover_name: str
    pattern: re.Pattern[str]
    shape: str
    prefixes: tuple[str, ...]

    @property
    def abroad(self) -> bool:
        """Whether a cover posted in Finland needs a country row."""
        return self.code not in _HOME

    def postcode(self, text: str) -> str | None:
        """`text` as a cover posted in Finland shows it, or None where it is no postcode of this country."""
        compact = self.compact(text)
        if not self.pattern.fullmatch(compact):
            return None
        characters = iter(compact)
        return "".join(next(characters) if place == "#" else place for place in self.shape)

    def compact(self, text: str) -> str:
        """The postcode without spaces, hyphens and this country's prefix, in capitals."""
        bare = re.sub(r"[\s\u2010-\u2015-]", "", text.upper())
        for prefix in self.prefixes:
            if bare.startswith(prefix) and bare[len(prefix) :][:1].isdigit():
                return bare[len(prefix) :]
        return bare


def find_country(text: str) -> Country | None:
    """The country meant by an ISO code or by a name in Swedish, Finnish or English; None if the table lacks it."""
    return _BY_NAME.get(one_line(text).casefold())


def country_of(text: str, postcode: str) -> Country | None:
    """The country of an address; None where it cannot be told.

    An empty field means Finland where the postcode is five digits in one piece, and the country of the postcode's
    prefix (`SE-114 55`) where it has one. Finnish postcodes 22xxx are Åland's.
    """
    country = find_country(text) if one_line(text) else _guessed(one_line(postcode))
    if country is not None and country.code == "FI" and _ALAND.fullmatch(country.compact(postcode)):
        return _BY_NAME["ax"]
    return country


def country_group(code: str) -> CountryGroup:
    """Which of the print house's files a country belongs to: Finland with Åland, Sweden, or all the others."""
    if code in _HOME:
        return "FI"
    return "SE" if code == "SE" else "XX"


def _guessed(postcode: str) -> Country | None:
    if re.fullmatch(r"[0-9]{5}", postcode):
        return _BY_NAME["fi"]
    prefix = re.match(r"([A-Za-z]{2})\s?-", postcode)
    return _BY_NAME.get(prefix[1].casefold()) if prefix else None


_HOME: Final = frozenset({"FI", "AX"})
_ALAND: Final = re.compile(r"22[0-9]{3}")

#: code | English | Swedish | Finnish | other names | postcode | its shape | prefixes beside the code
_TABLE: Final = """
FI | Finland | Finland | Suomi | FIN, Republic of Finland | (?!00000)[0-9]{5} | ##### | FIN, AX, SF
AX | Åland Islands | Åland | Ahvenanmaa | ALA, Aland, Aland Islands | 22[0-9]{3} | ##### | FI, FIN
SE | Sweden | Sverige | Ruotsi | SWE | [1-9][0-9]{4} | SE-### ## | S
NO | Norway | Norge | Norja | NOR | [0-9]{4} | #### | N
DK | Denmark | Danmark | Tanska | DNK | [0-9]{4} | #### |
IS | Iceland | Island | Islanti | ISL, Ísland | [0-9]{3} | ### |
EE | Estonia | Estland | Viro | EST, Eesti | [0-9]{5} | ##### | EST
LV | Latvia | Lettland | Latvia | LVA, Latvija | [0-9]{4} | LV-#### |
LT | Lithuania | Litauen | Liettua | LTU, Lietuva | [0-9]{5} | LT-##### |
DE | Germany | Tyskland | Saksa | DEU, Deutschland | [0-9]{5} | ##### | D
AT | Austria | Österrike | Itävalta | AUT, Österreich | [1-9][0-9]{3} | #### | A
CH | Switzerland | Schweiz | Sveitsi | CHE, Suisse | [1-9][0-9]{3} | #### |
LI | Liechtenstein | Liechtenstein | Liechtenstein | LIE | 94[0-9]{2} | #### | FL
NL | Netherlands | Nederländerna | Alankomaat | NLD, Holland, Hollanti | [1-9][0-9]{3}[A-Z]{2} | #### ## |
BE | Belgium | Belgien | Belgia | BEL, België, Belgique | [1-9][0-9]{3} | #### | B
LU | Luxembourg | Luxemburg | Luxemburg | LUX | [1-9][0-9]{3} | L-#### | L
FR | France | Frankrike | Ranska | FRA | [0-9]{5} | ##### | F
ES | Spain | Spanien | Espanja | ESP, España | [0-5][0-9]{4} | ##### | E
PT | Portugal | Portugal | Portugali | PRT | [1-9][0-9]{6} | ####-### | P
IT | Italy | Italien | Italia | ITA | [0-9]{5} | ##### | I
MT | Malta | Malta | Malta | MLT | [A-Z]{3}[0-9]{4} | ### #### |
IE | Ireland | Irland | Irlanti | IRL, Republic of Ireland, Éire | [A-Z][0-9][0-9W][A-Z0-9]{4} | ### #### |
PL | Poland | Polen | Puola | POL, Polska | [0-9]{5} | ##-### |
CZ | Czechia | Tjeckien | Tšekki | CZE, Czech Republic, Tjeckiska republiken | [1-7][0-9]{4} | ### ## |
SK | Slovakia | Slovakien | Slovakia | SVK | [089][0-9]{4} | ### ## |
HU | Hungary | Ungern | Unkari | HUN | [1-9][0-9]{3} | #### | H
SI | Slovenia | Slovenien | Slovenia | SVN | [1-9][0-9]{3} | #### | SLO
HR | Croatia | Kroatien | Kroatia | HRV | [1-5][0-9]{4} | ##### |
RO | Romania | Rumänien | Romania | ROU | [0-9]{6} | ###### |
BG | Bulgaria | Bulgarien | Bulgaria | BGR | [1-9][0-9]{3} | #### |
GR | Greece | Grekland | Kreikka | GRC, EL | [1-8][0-9]{4} | ### ## |
CY | Cyprus | Cypern | Kypros | CYP | [1-9][0-9]{3} | #### |
"""


def _read_table() -> dict[str, Country]:
    by_name: dict[str, Country] = {}
    for line in _TABLE.strip().splitlines():
        code, english, swedish, finnish, others, pattern, shape, prefixes = (
            c.strip() for c in line.split("|")
        )
        marks = (code, *_listed(prefixes))
        country = Country(code, english.upper(), re.compile(pattern), shape, marks)
        for name in (code, english, swedish, finnish, *_listed(others)):
            by_name[one_line(name).casefold()] = country
    return by_name


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


_BY_NAME: Final = _read_table()
