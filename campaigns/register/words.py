"""The words of exported tables for languages, genders and countries, in Swedish, Finnish and English. Pure.

Promise: a word is either known and becomes its code, or None comes back; nothing is guessed. The countries by name are
those of the European Economic Area, the United Kingdom, Switzerland and the United States; any other may be given by
its ISO 3166-1 code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_LANGUAGES: Final = """
sv: swe, swedish, svenska, ruotsi, svensk, svenskspråkig, ruotsinkielinen
fi: fin, finnish, finska, suomi, finsk, finskspråkig, suomenkielinen
en: eng, english, engelska, englanti, engelsk, engelskspråkig, englanninkielinen
"""
_GENDERS: Final = """
female: f, w, woman, kvinna, k, kvinnlig, nainen, n, fru, fröken, rouva, neiti, mrs, ms, miss
male: m, man, manlig, mies, herr, herra, mr
other: x, o, annan, annat, muu, non-binary, nonbinary, diverse, icke-binär, ickebinär, muunsukupuolinen
unknown: u, okänd, okänt, tuntematon, ei tiedossa, vet ej, not known, unspecified, ej angivet, -, ?
"""
_COUNTRIES: Final = """
FI: Finland, Suomi, FIN, Republic of Finland
AX: Åland, Åland Islands, Ahvenanmaa, Aland, ALA
SE: Sweden, Sverige, Ruotsi, SWE
NO: Norway, Norge, Norja, NOR
DK: Denmark, Danmark, Tanska, DNK
IS: Iceland, Island, Islanti, Ísland, ISL
EE: Estonia, Estland, Viro, Eesti, EST
LV: Latvia, Lettland, Latvija, LVA
LT: Lithuania, Litauen, Liettua, Lietuva, LTU
DE: Germany, Tyskland, Saksa, Deutschland, DEU
AT: Austria, Österrike, Itävalta, Österreich, AUT
CH: Switzerland, Schweiz, Sveitsi, Suisse, CHE
LI: Liechtenstein, LIE
NL: Netherlands, The Netherlands, Nederländerna, Alankomaat, Holland, Hollanti, Nederland, NLD
BE: Belgium, Belgien, Belgia, België, Belgique, BEL
LU: Luxembourg, Luxemburg, LUX
FR: France, Frankrike, Ranska, FRA
ES: Spain, Spanien, Espanja, España, ESP
PT: Portugal, Portugali, PRT
IT: Italy, Italien, Italia, ITA
MT: Malta, MLT
IE: Ireland, Irland, Irlanti, Republic of Ireland, Éire, Eire, IRL
PL: Poland, Polen, Puola, Polska, POL
CZ: Czechia, Tjeckien, Tšekki, Czech Republic, CZE
SK: Slovakia, Slovakien, SVK
HU: Hungary, Ungern, Unkari, HUN
SI: Slovenia, Slovenien, SVN
HR: Croatia, Kroatien, Kroatia, HRV
RO: Romania, Rumänien, ROU
BG: Bulgaria, Bulgarien, BGR
GR: Greece, Grekland, Kreikka, EL, GRC
CY: Cyprus, Cypern, Kypros, CYP
GB: United Kingdom, UK, Storbritannien, Iso-Britannia, Britannia, Great Britain, England, Englanti, GBR
US: United States, USA, Förenta staterna, Yhdysvallat, United States of America
"""
_LISTED_CODES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ"
    " CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM"
    " FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS"
    " IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML"
    " MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN"
    " PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG"
    " TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
_CODES: Final = frozenset(_LISTED_CODES.split())


def language_code(text: str) -> str | None:
    """sv, fi or en for any of their names or tags (`Svenska`, `SV-FI`); another two-letter language code as it is."""
    plain = _plain(text)
    if plain in _LANGUAGE_OF:
        return _LANGUAGE_OF[plain]
    tag = re.fullmatch(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*", plain)
    if tag is None:
        return None
    return _LANGUAGE_OF.get(tag[1], tag[1] if len(tag[1]) == 2 else None)


def gender_word(text: str) -> str | None:
    """One of female, male, other, unknown."""
    return _GENDER_OF.get(_plain(text))


def country_code(text: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country given by name or by code."""
    plain = _plain(text)
    known = _COUNTRY_OF.get(plain)
    return known or (plain.upper() if plain.upper() in _CODES else None)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split()).rstrip(".")


def _read(table: str) -> Iterator[tuple[str, str]]:
    for line in table.strip().splitlines():
        code, _, words = line.partition(":")
        for word in (code, *words.split(",")):
            yield _plain(word), code


_LANGUAGE_OF: Final = dict(_read(_LANGUAGES))
_GENDER_OF: Final = dict(_read(_GENDERS))
_COUNTRY_OF: Final = dict(_read(_COUNTRIES))
