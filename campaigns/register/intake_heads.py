"""The heads that exports write over their columns, in English, Swedish and Finnish. Pure.

Promise: a head is known only where it can mean one column; what may mean another thing as well (`Adress`, `Mobil`,
`Företagsnummer`) is at most suggested, and so is a slip of the pen. Case, blanks, hyphens, underscores, full stops and
the colons and stars of forms do not matter. Nothing is suggested for a person's identity number: it is not wanted.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import Final

COLUMNS: Final = (
    "company",
    "business_id",
    "first_name",
    "last_name",
    "gender",
    "title",
    "position",
    "email",
    "phone",
    "language",
    "street",
    "postal_code",
    "city",
    "country",
)
_KNOWN: Final = """
company: företag, yritys, company name, organisation, organization, organisation name, organization name
company: företagsnamn, företagets namn, bolag, bolagsnamn, firma, organisationsnamn
company: yrityksen nimi, organisaatio, organisaation nimi
business_id: FO-nummer, FO-nr, Y-tunnus, LY-tunnus, liiketunnus, yritystunnus, yrityksen Y-tunnus
business_id: organisationsnummer, organisationsnr, org nummer, org nr, org no, organisation number, organization number
business_id: business identity code, VAT number, VAT no, VAT ID, VAT-nummer, VAT-nr, momsnummer, moms nr
business_id: momsregistreringsnummer, ALV-numero, ALV-tunnus
first_name: förnamn, etunimi, etunimet, given name, forename, fname
last_name: efternamn, sukunimi, surname, family name, lname
gender: kön, sukupuoli, sex
title: titel, titteli
position: befattning, asema, job title, tehtävänimike
email: e-post, sähköposti, email address, e-postadress, sähköpostiosoite, mejladress, mailadress, e-mailadress
phone: telefon, puhelin, phone number, phone no, telephone, telephone number, tel, tel no, tel nr, tfn
phone: telefonnummer, telefonnr, puh, puh nro, puhelinnumero, puhelinnro
language: språk, kieli, language code, språkkod, kielikoodi, lang
street: gatuadress, katuosoite, street address, utdelningsadress, lähiosoite
postal_code: postnummer, postinumero, postnr, postinro, postinr, posti nro, postcode, zip, zip code, zipcode
postal_code: zip/postal code, postal/zip code
city: ort, kaupunki, postort, postitoimipaikka, town
country: land, maa, country code, landskod, maakoodi, maatunnus, country/region
"""
#: What may mean something else as well; several columns are all named.
_LIKELY: Final = """
company: account name, account, employer, kund, kundnamn, asiakas, asiakkaan nimi, arbetsgivare, työnantaja
business_id: företagsnummer, company number, company registration number, registration number, VAT, moms, ALV
first_name: namn, name, nimi, full name, contact name, kontaktperson, yhteyshenkilö, tilltalsnamn, kutsumanimi
last_name: namn, name, nimi, full name, contact name, kontaktperson, yhteyshenkilö
gender: gender identity, juridiskt kön
title: nimike, salutation, tilltal, hälsningsfras, puhuttelu
position: nimike, role, roll, rooli, yrkestitel, tehtävä, arbetsuppgift
email: mail, mejl, meili, s-posti, e-mail 1, contact
phone: mobile, mobile phone, mobile number, mobil, mobilnummer, mobiltelefon, cell, cell phone
phone: matkapuhelin, matkapuhelinnumero, kännykkä, GSM, direct line, växel, vaihde
language: kommunikationsspråk, asiointikieli, modersmål, äidinkieli, locale
street: address, adress, osoite, postal address, postadress, postiosoite, address line 1, address 1, adress 1
street: gata, katu, besöksadress, käyntiosoite, visiting address
city: stad, paikkakunta, kommun, kunta, municipality, locality, place
country: region, nation, valtio
"""
_NOT_WANTED: Final = ("personnummer", "personbeteckning", "henkilötunnus", "hetu", "socialsecurity", "ssn")
#: How alike a head and a slip of it are; `postnummer` and `personnummer` are less so.
_SLIP: Final = 0.82
#: Blanks, line ends, underscores, hyphens and dashes, and characters without ink such as a byte order mark.
_IGNORED: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Pc", "Pd", "Cf"})
_MARKS: Final = frozenset(".:*")


def plain(head: str) -> str:
    """A head without what does not matter."""
    text = unicodedata.normalize("NFC", head)
    kept = (
        letter for letter in text if letter not in _MARKS and unicodedata.category(letter) not in _IGNORED
    )
    return "".join(kept).casefold()


def known(plain_head: str) -> str | None:
    """The column that a head means, as `plain` has written it."""
    return _HEADS.get(plain_head)


def likely(head: str) -> tuple[str, ...]:
    """The columns that a head which is not known may mean; none where nothing is near."""
    written = plain(head)
    if any(word in written for word in _NOT_WANTED):
        return ()
    if written in _LIKELY_HEADS:
        return _LIKELY_HEADS[written]
    words = re.split(r"[\s_-]+", head.strip())
    ends = (plain(" ".join(words[start:])) for start in range(1, len(words)))
    if (column := next((_HEADS[end] for end in ends if end in _HEADS), None)) is not None:
        return (column,)
    near = difflib.get_close_matches(written, _HEADS, n=1, cutoff=_SLIP)
    return (_HEADS[near[0]],) if near else ()


def _read(table: str) -> dict[str, tuple[str, ...]]:
    read: dict[str, tuple[str, ...]] = {}
    for line in table.strip().splitlines():
        column, _, heads = line.partition(":")
        for head in heads.split(","):
            written = plain(head)
            read[written] = (*read.get(written, ()), column)
    return read


_HEADS: Final = {plain(column): column for column in COLUMNS} | {
    head: columns[0] for head, columns in _read(_KNOWN).items()
}
_LIKELY_HEADS: Final = _read(_LIKELY)
