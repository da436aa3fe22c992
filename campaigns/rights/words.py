"""The words of a disclosure in Swedish, Finnish and English: headings, kinds of records, purposes, names of columns.

Promise: whatever the personal-data map can name has a word in each language (a test holds that). Pure tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from campaigns.content.language import Language

#: English word -> Swedish, Finnish. Columns, kinds, categories and purposes are words of ours with underscores.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    # headings
    "Your data": ("Dina uppgifter", "Sinun tietosi"),
    "Register": ("Register", "Rekisteri"),
    "Controller": ("Personuppgiftsansvarig", "Rekisterinpitäjä"),
    "Contact person": ("Kontaktperson", "Yhteyshenkilö"),
    "Made": ("Upprättad", "Laadittu"),
    "What we hold": ("Det vi har om dig", "Mitä meillä on sinusta"),
    "Why and for how long": ("Varför och hur länge", "Miksi ja kuinka kauan"),
    "Who received your data": ("Vem som har fått dina uppgifter", "Kuka on saanut tietojasi"),
    "What we sent you, and why": ("Det vi har sänt dig, och varför", "Mitä lähetimme sinulle, ja miksi"),
    "Your rights": ("Dina rättigheter", "Oikeutesi"),
    "days": ("dagar", "päivää"),
    "as long as needed": ("så länge det behövs", "niin kauan kuin on tarpeen"),
    "nobody": ("ingen", "ei kukaan"),
    "nothing": ("ingenting", "ei mitään"),
    # categories and kinds
    "identity": ("identitet", "henkilöllisyys"),
    "contact_details": ("kontaktuppgifter", "yhteystiedot"),
    "work": ("arbete", "työ"),
    "wishes": ("önskemål och förbud", "toiveet ja kiellot"),
    "basis_and_source": ("grund och källa", "peruste ja lähde"),
    "history": ("historik", "historia"),
    "sends": ("utskick", "lähetykset"),
    "correspondence": ("brevväxling", "kirjeenvaihto"),
    "requests": ("begäranden", "pyynnöt"),
    "audit": ("logg", "loki"),
    "access": ("åtkomst", "käyttöoikeudet"),
    "contact": ("person", "henkilö"),
    "position": ("befattning", "asema"),
    "subscription": ("prenumeration", "tilaus"),
    "suppression": ("förbud", "kielto"),
    "source": ("källa", "lähde"),
    "basis": ("grund", "peruste"),
    "extra field": ("tilläggsuppgift", "lisätieto"),
    "further address": ("ytterligare adress", "muu osoite"),
    "event": ("händelse", "tapahtuma"),
    "merge": ("sammanslagning", "yhdistäminen"),
    "delivery": ("leverans", "toimitus"),
    "attempt": ("försök", "yritys toimittaa"),
    "printed copy": ("tryckt exemplar", "painettu kappale"),
    "feedback": ("återkoppling", "palaute"),
    "outdated datum": ("föråldrad uppgift", "vanhentunut tieto"),
    "feedback case": ("ärende", "asia"),
    "mail": ("brev", "viesti"),
    "request": ("begäran", "pyyntö"),
    "disclosure": ("utlämnande", "luovutus"),
    "telling": ("underrättelse", "ilmoitus"),
    "legal hold": ("rättsligt bevarande", "lakisääteinen säilytys"),
    "opt_in": ("bekräftelse av önskemål", "toiveen vahvistus"),
    "agreed_to": ("godkänd text", "hyväksytty teksti"),
    "source_key": ("källans nyckel", "lähteen avain"),
    "day": ("dag", "päivä"),
    "requested_at": ("begärd", "pyydetty"),
    "begun_at": ("påbörjad", "aloitettu"),
    "confirmed_at": ("bekräftad den", "vahvistettu (aika)"),
    "survey": ("undersökning", "kysely"),
    "survey answered": ("besvarad undersökning", "vastattu kysely"),
    "survey answer": ("svar i undersökning", "kyselyvastaus"),
    "answers": ("svar", "vastaukset"),
    "opinions": ("åsikter", "mielipiteet"),
    # purposes
    "customer_relations": ("kundrelationer", "asiakassuhteet"),
    "customer_service": ("kundservice", "asiakaspalvelu"),
    "marketing": ("marknadsföring", "markkinointi"),
    "analysis": ("analys", "analyysi"),
    "research": ("undersökningar", "tutkimukset"),
    "accountability": ("ansvarsskyldighet", "osoitusvelvollisuus"),
    # columns
    "about": ("gäller", "koskee"),
    "amount": ("belopp", "määrä"),
    "at": ("tidpunkt", "ajankohta"),
    "blanked_at": ("tömd", "tyhjennetty"),
    "came_by": ("kom genom", "tuli kanavasta"),
    "campaign": ("kampanj", "kampanja"),
    "changed_at": ("ändrad", "muutettu"),
    "changed_by": ("ändrad av", "muuttaja"),
    "channel": ("kanal", "kanava"),
    "city": ("ort", "kaupunki"),
    "closed_at": ("avslutad", "päätetty"),
    "closed_by": ("avslutad av", "päättäjä"),
    "code": ("svarskod", "vastauskoodi"),
    "company": ("företag", "yritys"),
    "consequence": ("följd", "seuraus"),
    "contract": ("avtal", "sopimus"),
    "country": ("land", "maa"),
    "created_at": ("införd", "lisätty"),
    "created_by": ("införd av", "lisääjä"),
    "decision": ("beslut", "päätös"),
    "diagnostic": ("diagnos", "selite"),
    "digest": ("kontrollsumma", "tarkistussumma"),
    "document": ("handling", "asiakirja"),
    "due_at": ("nästa gång", "seuraavan kerran"),
    "due_on": ("senast", "määräpäivä"),
    "email": ("e-post", "sähköposti"),
    "ended_at": ("upphörde", "päättyi"),
    "ended_by": ("avslutades av", "lopettaja"),
    "enhanced": ("utökad kod", "laajennettu koodi"),
    "erased_at": ("raderad", "poistettu"),
    "evidence": ("underlag", "näyttö"),
    "expanded_at": ("planerad", "suunniteltu"),
    "extended_at": ("förlängd", "pidennetty"),
    "extended_by": ("förlängd av", "pidentäjä"),
    "extension_reason": ("skäl till förlängning", "pidennyksen syy"),
    "field": ("fält", "kenttä"),
    "fields": ("fält (flera)", "kentät"),
    "file_name": ("fil", "tiedosto"),
    "first_at": ("första gången", "ensimmäisen kerran"),
    "first_name": ("förnamn", "etunimi"),
    "flagged_at": ("flaggad", "merkitty"),
    "flagged_by": ("flaggad av", "merkitsijä"),
    "gender": ("kön", "sukupuoli"),
    "given_by": ("lämnad av", "luovuttaja"),
    "ground": ("rättslig grund", "oikeusperuste"),
    "handed_over_at": ("överlämnad", "luovutettu"),
    "identified_at": ("identifierad", "tunnistettu"),
    "identified_by": ("identifierad av", "tunnistaja"),
    "identified_how": ("identifierad genom", "tunnistustapa"),
    "kind": ("slag", "laji"),
    "language": ("språk", "kieli"),
    "last_at": ("senaste gången", "viimeksi"),
    "last_name": ("efternamn", "sukunimi"),
    "lift_evidence": ("underlag för hävning", "kumoamisen näyttö"),
    "lifted_at": ("hävd", "kumottu"),
    "lifted_by": ("hävd av", "kumoaja"),
    "list": ("lista", "lista"),
    "added_at": ("tillagd", "lisätty"),
    "added_by": ("tillagd av", "lisääjä"),
    "stage": ("skede", "vaihe"),
    "merged_at": ("sammanslagen", "yhdistetty"),
    "merged_by": ("sammanslagen av", "yhdistäjä"),
    "moved": ("överfört", "siirretty"),
    "name": ("namn", "nimi"),
    "new": ("nytt värde", "uusi arvo"),
    "number": ("tal", "luku"),
    "occurred_at": ("inträffade", "tapahtui"),
    "octets": ("storlek", "koko"),
    "old": ("gammalt värde", "vanha arvo"),
    "opened_at": ("öppnad", "avattu"),
    "opened_by": ("öppnad av", "avaaja"),
    "origin": ("ursprung", "alkuperä"),
    "outcome": ("utfall", "tulos"),
    "phone": ("telefon", "puhelin"),
    "place": ("plats", "paikka"),
    "placed_at": ("lagd", "asetettu"),
    "placed_by": ("lagd av", "asettaja"),
    "postal_code": ("postnummer", "postinumero"),
    "principal": ("utförd av", "tekijä"),
    "processor": ("personuppgiftsbiträde", "käsittelijä"),
    "purpose": ("ändamål", "tarkoitus"),
    "raw": ("innehåll", "sisältö"),
    "reason": ("orsak", "syy"),
    "received_at": ("mottagen", "vastaanotettu"),
    "recipient": ("mottagare", "vastaanottaja"),
    "recorded_at": ("antecknad", "kirjattu"),
    "recorded_by": ("antecknad av", "kirjaaja"),
    "redacted_at": ("utplånad", "poistettu lokista"),
    "reference": ("hänvisning", "viite"),
    "reply": ("svar", "vastaus"),
    "retried_at": ("försökt igen", "yritetty uudelleen"),
    "role": ("roll", "rooli"),
    "row": ("rad", "rivi"),
    "settled_at": ("avgjord", "ratkaistu"),
    "since": ("sedan", "alkaen"),
    "smarthost": ("postserver", "postipalvelin"),
    "source_class": ("slag av källa", "lähteen laji"),
    "started_at": ("började", "alkoi"),
    "status": ("status", "tila"),
    "status_code": ("statuskod", "tilakoodi"),
    "street": ("gatuadress", "katuosoite"),
    "subject": ("gäller vad", "kohde"),
    "subjects": ("gäller vem", "kohteet"),
    "tag": ("åtgärd", "toimi"),
    "taken_by": ("inhämtad av", "vastaanottaja meillä"),
    "text": ("text", "teksti"),
    "text_version": ("textversion", "tekstin versio"),
    "times": ("gånger", "kertaa"),
    "title": ("titel", "titteli"),
    "told_at": ("underrättad", "ilmoitettu"),
    "told_by": ("underrättad av", "ilmoittaja"),
    "told_how": ("underrättad genom", "ilmoitustapa"),
    "transfer_ground": ("överföringsgrund", "siirtoperuste"),
    "tries": ("antal försök", "yritysten määrä"),
    "undone_at": ("återtagen", "peruttu"),
    "undone_by": ("återtagen av", "peruja"),
    "until": ("till och med", "asti"),
    "updated_at": ("uppdaterad", "päivitetty"),
    "updated_by": ("uppdaterad av", "päivittäjä"),
    "verified": ("bekräftad", "vahvistettu"),
    "what": ("vad", "mitä"),
    "why": ("varför", "miksi"),
    "withheld_because": ("inte sänd på grund av", "ei lähetetty, koska"),
    "edition": ("utgåva", "numero"),
    "key": ("kampanjens nyckel", "kampanjan tunnus"),
    "attempts": ("försök", "yritykset"),
}

RIGHTS: Final[Mapping[Language, str]] = {
    "sv": (
        "Du har rätt att få uppgifter rättade eller raderade, att begära att behandlingen begränsas, att invända mot "
        "behandlingen (mot direktmarknadsföring alltid och utan skäl), att få ut uppgifter som du själv har lämnat och "
        "att klaga hos tillsynsmyndigheten, i Finland dataombudsmannen (www.tietosuoja.fi). Det kostar inget."
    ),
    "fi": (
        "Sinulla on oikeus saada tiedot oikaistuiksi tai poistetuiksi, vaatia käsittelyn rajoittamista, vastustaa "
        "käsittelyä (suoramarkkinointia aina ja perusteluitta), saada itse antamasi tiedot siirretyiksi ja tehdä "
        "valitus valvontaviranomaiselle, Suomessa tietosuojavaltuutetulle (www.tietosuoja.fi). Se ei maksa mitään."
    ),
    "en": (
        "You have the right to have data corrected or erased, to ask that processing be restricted, to object to "
        "processing (to direct marketing always and without a reason), to receive the data that you gave us yourself, "
        "and to complain to the supervisory authority, in Finland the Data Protection Ombudsman (www.tietosuoja.fi). "
        "It costs nothing."
    ),
}


def known(word: str) -> bool:
    """Whether a word has its translations."""
    return word in _WORDS


def word(text: str, language: Language) -> str:
    """A word in a language; one that has no translation stays as it is."""
    found = _WORDS.get(text)
    if found is None or language == "en":
        return text.replace("_", " ")
    return found[0] if language == "sv" else found[1]
