"""Wall-clock times as instants: time zones, summer time, recurring schedules, the recipient's own morning. Pure.

Promise: every local time has exactly one instant. One that the clock skips in spring means the same distance after the
jump (03:30 becomes 04:30); one that comes twice in autumn means the first. A recurring schedule at fixed hours fires
once on such days too. A country with several time zones stands for the one where most of its business is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from campaigns.errors import InputError

#: A recurring schedule may not fire more often than this.
SHORTEST_INTERVAL: Final = timedelta(hours=1)
_LOOKED_AT: Final = 60


def zone(name: str) -> ZoneInfo:
    """A time zone by its name in the IANA database.

    Raises:
        InputError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InputError("is no time zone; write for instance Europe/Helsinki") from None


def instant(moment: datetime, zone_name: str) -> datetime:
    """A moment as an instant in UTC: as it says where it has an offset, else as the clocks of that zone show it."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(zone_name), fold=0)
    return moment.astimezone(UTC)


def firings(cron: str, zone_name: str, after: datetime) -> Iterator[datetime]:
    """The instants at which a recurring schedule fires after an instant, in order, for as long as there are any.

    Raises:
        InputError: it is no schedule of five fields.
    """
    if len(cron.split()) != 5:
        raise InputError("must have five fields: minute, hour, day, month, weekday, e.g. 0 9 * * 2")
    try:
        found = CronSim(cron, after.astimezone(zone(zone_name)))
    except CronSimError as error:
        raise InputError(f"is no schedule ({error}); write for instance 0 9 * * 2") from None
    return (moment.astimezone(UTC) for moment in found)


def next_firing(cron: str, zone_name: str, after: datetime, until: datetime | None) -> datetime | None:
    """When it fires next after an instant; None where it does not, or only after `until`."""
    following = next(firings(cron, zone_name, after), None)
    return None if following is None or (until is not None and following > until) else following


def fires_too_often(cron: str, zone_name: str, after: datetime) -> bool:
    """Whether two firings lie closer together than a recurring schedule may have them."""
    some = islice(firings(cron, zone_name, after), _LOOKED_AT)
    return any(later - earlier < SHORTEST_INTERVAL for earlier, later in pairwise(some))


def zone_of_country(text: str | None) -> str | None:
    """The time zone of a country given by its code or by its name in Swedish, Finnish or English; None if unknown."""
    return _BY_COUNTRY.get(" ".join((text or "").split()).casefold())


def starts_by_country(
    local: datetime, zone_name: str, countries: Iterable[str | None]
) -> dict[str | None, datetime]:
    """For each country as it stands in the register, when its clocks show this time; unknown ones go by `zone_name`."""
    return {text: instant(local, zone_of_country(text) or zone_name) for text in countries}


def earliest_start(local: datetime, zone_name: str) -> datetime:
    """The first instant at which this time is shown in any country that the table knows, or in `zone_name`."""
    return min(instant(local, name) for name in {zone_name, *_BY_COUNTRY.values()})


#: time zone | codes and names of the countries that go by it
_TABLE: Final = """
Europe/Helsinki | FI, FIN, Finland, Suomi, AX, ALA, Åland, Aland, Åland Islands, Aland Islands, Ahvenanmaa
Europe/Stockholm | SE, SWE, Sweden, Sverige, Ruotsi
Europe/Oslo | NO, NOR, Norway, Norge, Norja
Europe/Copenhagen | DK, DNK, Denmark, Danmark, Tanska
Atlantic/Reykjavik | IS, ISL, Iceland, Island, Ísland, Islanti
Europe/Tallinn | EE, EST, Estonia, Estland, Viro, Eesti
Europe/Riga | LV, LVA, Latvia, Lettland, Latvija
Europe/Vilnius | LT, LTU, Lithuania, Litauen, Liettua, Lietuva
Europe/Berlin | DE, DEU, Germany, Tyskland, Saksa, Deutschland
Europe/Vienna | AT, AUT, Austria, Österrike, Itävalta, Österreich
Europe/Zurich | CH, CHE, Switzerland, Schweiz, Sveitsi, Suisse, LI, LIE, Liechtenstein
Europe/Amsterdam | NL, NLD, Netherlands, Nederländerna, Alankomaat, Holland, Hollanti
Europe/Brussels | BE, BEL, Belgium, Belgien, Belgia, België, Belgique, LU, LUX, Luxembourg, Luxemburg
Europe/Paris | FR, FRA, France, Frankrike, Ranska
Europe/Madrid | ES, ESP, Spain, Spanien, Espanja, España
Europe/Lisbon | PT, PRT, Portugal, Portugali
Europe/Rome | IT, ITA, Italy, Italien, Italia
Europe/Malta | MT, MLT, Malta
Europe/Dublin | IE, IRL, Ireland, Irland, Irlanti, Republic of Ireland, Éire
Europe/London | GB, GBR, UK, United Kingdom, Great Britain, Storbritannien, Iso-Britannia, Yhdistynyt kuningaskunta
Europe/Warsaw | PL, POL, Poland, Polen, Puola, Polska
Europe/Prague | CZ, CZE, Czechia, Czech Republic, Tjeckien, Tšekki, SK, SVK, Slovakia, Slovakien
Europe/Budapest | HU, HUN, Hungary, Ungern, Unkari
Europe/Ljubljana | SI, SVN, Slovenia, Slovenien, HR, HRV, Croatia, Kroatien, Kroatia
Europe/Bucharest | RO, ROU, Romania, Rumänien
Europe/Sofia | BG, BGR, Bulgaria, Bulgarien
Europe/Athens | GR, GRC, EL, Greece, Grekland, Kreikka
Asia/Nicosia | CY, CYP, Cyprus, Cypern, Kypros
Europe/Kyiv | UA, UKR, Ukraine, Ukraina
Europe/Istanbul | TR, TUR, Türkiye, Turkey, Turkiet, Turkki
America/New_York | US, USA, United States, Förenta staterna, Yhdysvallat
America/Toronto | CA, CAN, Canada, Kanada
America/Sao_Paulo | BR, BRA, Brazil, Brasilien, Brasilia
Asia/Kolkata | IN, IND, India, Indien, Intia
Asia/Shanghai | CN, CHN, China, Kina, Kiina
Asia/Tokyo | JP, JPN, Japan, Japani
Asia/Seoul | KR, KOR, South Korea, Sydkorea, Etelä-Korea
Asia/Singapore | SG, SGP, Singapore
Australia/Sydney | AU, AUS, Australia, Australien
Pacific/Auckland | NZ, NZL, New Zealand, Nya Zeeland, Uusi-Seelanti
"""


def _read_table() -> dict[str, str]:
    lines = (line.split("|") for line in _TABLE.strip().splitlines())
    return {word.strip().casefold(): name.strip() for name, words in lines for word in words.split(",")}


_BY_COUNTRY: Final = _read_table()
