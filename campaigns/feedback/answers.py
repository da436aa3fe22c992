"""Telling apart what people and their programs answer: absence notes, receipts, challenges, wishes to leave, replies.
Pure.

Promise: a program's answer is no failure and no wish, whatever words it holds. A person's reply counts as a wish to
stop only where the new words themselves (quoted lines left out) are short and say so plainly in Swedish, Finnish,
Norwegian, Danish, English or German. Sources: RFC 3834 5, RFC 8098 3, and the headers that products use.
"""

from __future__ import annotations

import re
from typing import Final

from campaigns.feedback.mime import Fields

_SUBJECTS: Final = (
    "out of office", "out of the office", "out-of-office", "auto reply", "auto-reply", "autoreply",
    "auto response", "auto-response",
    "autoresponse", "autoresponder", "automatic reply", "automatic response", "automated reply",
    "automated response", "auto:",
    "away from my mail", "away from the office", "away until", "i am away", "i'm away", "on vacation",
    "vacation", "on leave",
    "on holiday", "annual leave", "maternity leave", "parental leave", "currently away", "absence",
    "not in the office",
    "automatiskt svar", "autosvar", "frånvaro", "ej på kontoret", "inte på kontoret", "på semester",
    "semester", "föräldraledig",
    "automaattinen vastaus", "poissa", "lomalla", "lomavastaus", "vuosilomalla", "poissaolo",
    "automaattivastaus",
    "abwesenheit", "automatische antwort", "abwesend", "nicht im büro", "réponse automatique",
    "absence du bureau",
    "absent", "respuesta automática", "fuera de la oficina", "risposta automatica", "fuori sede",
    "resposta automática",
    "automatisch antwoord", "automatische beantwoording", "afwezig", "fravær", "autosvar", "automatisk svar",
    "ikke på kontoret",
    "automatyczna odpowiedź", "odpowiedź automatyczna", "autoodpowiedź", "nieobecno", "poza biurem",
    "ausencia", "fuera de oficina", "ausente", "assente", "assenza", "fuori ufficio", "ausência",
    "fora do escritório", "niet aanwezig", "met verlof", "fraværsmelding", "feriefravær",
    "automaatvastus", "puhkusel", "automatická odpov", "mimo kancelář", "nepřítomnost", "automatikus válasz",
    "házon kívül", "otomatik yanıt", "ofis dışında", "răspuns automat", "automātiska atbilde",
    "automatinis atsakymas", "αυτόματη απάντηση", "автоматический ответ", "автовідповідь", "elternzeit",
    "en congé", "absence re:", "vapaalla", "lomaviesti", "äitiyslomalla", "perhevapaalla",
    "semesterstängt", "sjukskriven", "tjänstledig", "自动答复", "автоответ", "自動応答", "自動返信", "不在", "自动回复",
    "thank you for your email",
    "thank you for your e-mail", "thank you for your message", "thanks for your email",
    "thanks for contacting",
    "tack för ditt mejl", "tack för ditt meddelande", "kiitos viestistä", "vielen dank für ihre",
    "merci pour votre",
    "ticket received", "your request has been received", "we received your", "request received",
    "acknowledgement of",
    "thank you for contacting",
    "we have received your", "your message has been received", "ticket #", "[ticket", "case created",
    "ärendenummer",
)  # fmt: skip
_HEADERS: Final = (
    "x-autoreply", "x-autorespond", "x-autoresponse", "x-auto-reply", "x-autoreply-from", "x-mail-autoreply",
    "x-autoresponder",
    "x-auto-respond", "x-ms-exchange-inbox-rules-loop", "x-ms-exchange-generated-message-source",
    "x-amazon-auto-reply",
    "x-vacation", "x-out-of-office", "x-facebook-notify", "x-mailer-autoreply", "x-freshdesk-auto-reply",
    "x-autoreply-domain",
)  # fmt: skip
_WORDS: Final = (
    "i am currently away", "i am currently out", "i'm currently out", "i am out of the office",
    "i'm out of the office",
    "i will be out of", "i am on leave", "i am on vacation", "i will be away", "i'm away",
    "limited access to email",
    "limited access to e-mail", "will respond to you upon my return", "will reply when i return",
    "i am away from",
    "jag är inte på kontoret", "jag är på semester", "jag har semester", "jag är tillbaka",
    "jag är frånvarande", "jag är ledig",
    "jag är föräldraledig", "åter den", "olen lomalla", "olen poissa", "olen vuosilomalla",
    "olen tavoitettavissa",
    "palaan töihin", "en ole paikalla", "ich bin nicht im büro", "ich bin im urlaub", "ich bin bis",
    "je suis absent", "je suis en congé", "actuellement en congé",
    "absent du bureau", "absente du bureau", "en congés jusqu",
    "je serai absent",
    "je serai de retour", "sono assente", "sarò assente", "sono fuori ufficio", "sono in ferie",
    "assente dall'ufficio",
    "me encuentro de vacaciones", "estoy de vacaciones", "estaré fuera", "estaré ausente",
    "me encuentro fuera",
    "ben ik afwezig", "ik ben afwezig", "ik ben niet aanwezig", "ik ben met vakantie", "ik ben op vakantie",
    "ben ik niet op kantoor", "jestem na urlopie", "jestem nieobecn", "przebywam na urlopie", "olen puhkusel",
    "jeg er på ferie", "jeg holder ferie", "jeg har ferie", "jeg er ikke på kontoret", "jeg er fraværende",
    "estou de férias", "estou ausente", "estarei ausente", "я в отпуске", "нахожусь в отпуске",
    "jsem na dovolené",
    "szabadságon vagyok", "derzeit nicht im", "zur zeit nicht im", "bin ich wieder erreichbar",
    "bin ich wieder im büro", "außer haus", "nicht weitergeleitet", "ich befinde mich im urlaub",
    "inte på plats just nu", "läser inte min e-post", "läser inte mejl", "jag är bortrest", "är tillbaka den",
    "en ole toimistolla", "en ole tavoitettavissa", "luen sähköpostia", "luen sähköpostiani",
    "palaan lomalta",
    "i am out of office", "i'm out of office", "i am away until", "i am on annual leave",
    "i am on parental", "i am on maternity", "i am travelling with limited", "with limited access to my",
    "je suis actuellement absent", "estoy fuera de", "no longer works here", "no longer with the company",
    "har slutat",
    "ei ole enää töissä", "ei enää työskentele", "this is an automatic reply", "this is an automated",
    "this is an auto",
    "detta är ett automatiskt", "tämä on automaattinen", "dies ist eine automatische",
)  # fmt: skip
_CHALLENGES: Final = (
    "please confirm that you", "confirm your message", "confirm delivery of your message",
    "verify that you are", "verify your message",
    "spam arrest", "spamarrest", "boxbe", "mailinblack", "your message is being held",
    "click the link below to deliver",
    "confirmation of your message", "to release your message", "prove that you are", "you are a human",
    "human being",
    "prove you are human", "not yet approved", "approved sender", "whitelist request", "guest list",
    "sender verification required", "bluebottle",
    "unconfirmed sender", "asking for confirmation of messages", "challenge/response",
)  # fmt: skip
# The whole of what a person wrote is one of these, give or take a greeting; or a sentence of it plainly says so.
_STOPS: Final = frozenset(
    {
        "stop", "stopp", "unsubscribe", "unsubscribe me", "unsubscribe please", "please unsubscribe",
        "please unsubscribe me",
        "remove", "remove me", "please remove me", "remove me please", "take me off", "opt out", "optout",
        "cancel subscription",
        "no more", "no more emails", "no more mail", "stop mailing me", "stop emailing me", "stop sending",
        "stop please",
        "avregistrera", "avregistrera mig", "avprenumerera", "avsluta", "avsluta prenumerationen",
        "ta bort mig", "avanmälan",
        "avanmäl", "avanmäl mig", "sluta", "sluta skicka", "nej tack", "inga fler", "peru", "peruuta",
        "peruutus", "lopeta",
        "poista", "poista minut", "poistakaa", "poistakaa minut", "ei kiitos", "peru tilaus",
        "peruuta tilaus",
        "lopettakaa",
        "abmelden", "abbestellen", "avmeld", "avmeld meg", "afmeld", "afmeld mig", "meld meg av",
    }
)  # fmt: skip
_PLAINLY: Final = (
    "unsubscribe me", "please unsubscribe", "remove me from", "remove my email", "remove my address",
    "remove us from", "take me off",
    "take us off", "stop sending me", "stop sending us", "stop emailing", "stop mailing", "do not send me",
    "don't send me", "do not email me",
    "don't email me", "do not contact me", "don't contact me", "do not wish to receive",
    "don't want to receive", "do not want to receive",
    "no longer wish to receive", "no longer want to receive", "want to unsubscribe", "wish to unsubscribe",
    "like to unsubscribe",
    "like to be removed", "want to be removed", "opt me out", "delete me from", "delete my address",
    "i object to",
    "ta bort mig", "ta bort oss från", "ta bort min adress", "ta bort min e-post", "vill inte ha fler",
    "vill inte ha era", "vill inte ha mer",
    "vill inte längre ha", "vill inte få", "vill inte längre få", "önskar inte få", "önskar inte längre",
    "undanbeder mig", "undanber mig",
    "sluta skicka", "skicka inte fler", "skicka inte mer", "inga fler mejl", "inga fler mail",
    "inga fler utskick", "inte få fler",
    "avregistrera mig", "avprenumerera mig", "vill avregistrera", "vill avsluta prenumerationen",
    "avanmäl mig", "vill avanmäla",
    "stryk mig från", "radera min", "radera mig",
    "poistakaa minut", "poista minut", "poistaa minut", "poistakaa osoitteeni", "poistakaa sähköpostiosoitteeni",
    "en halua enää", "emme halua enää",
    "en halua vastaanottaa", "en halua saada", "en halua teidän", "älkää lähettäkö", "älä lähetä",
    "lopettakaa lähettäminen",
    "lopettakaa viestien", "haluan perua", "haluan peruuttaa", "perukaa tilaukseni", "peruuttakaa tilaukseni",
    "kiellän suoramarkkinoinnin",
    "kiellän markkinoinnin", "poistakaa meidät", "poistakaa yhteystietoni", "en tilaa",
    "keine weiteren e-mails", "möchte keine", "bitte abmelden", "meld meg av", "fjern meg", "fjern mig",
)  # fmt: skip
_EVERYTHING: Final = (
    "unsubscribe all", "unsubscribe from all", "unsubscribe everything", "all your lists", "all lists",
    "no marketing",
    "any marketing", "all marketing", "everything", "i object", "alla utskick", "alla listor",
    "all marknadsföring",
    "ingen marknadsföring", "allting", "all reklam", "ingen reklam", "kaikki listat", "kaikilta listoilta",
    "kaikki viestit", "kaikesta", "kaiken markkinoinnin", "suoramarkkinoin", "ei mainoksia", "kiellän",
)  # fmt: skip
_QUOTE: Final = re.compile(
    r"^\s*(?:>|\|)|^\s*-{2,}\s*(?:original|ursprung|alkuper|forwarded|vidarebef)|^(?:from|från|lähettäjä|von|fra):\s"
    r"|^(?:on|den|le|am)\s.{4,120}(?:wrote|skrev|kirjoitti|schrieb|a écrit)\b.{0,20}:?\s*$"
    r"|^.{4,120}(?:wrote|skrev|kirjoitti):\s*$"
    r"|^_{5,}\s*$",
    re.IGNORECASE,
)
_GREETING: Final = re.compile(
    r"^(?:hi|hello|hey|dear|hej|hejsan|god dag|hei|terve|moi|hallo|guten tag|goddag|best regards|regards"
    r"|thanks|thank you|mvh|med vänlig hälsning|vänliga hälsningar|hälsningar|tack|t|terveisin"
    r"|ystävällisin terveisin|kiitos)\b[\w\s,.!]{0,40}$"
)
#: What a line may begin with before it says what is wanted.
_ADDRESSING: Final = re.compile(
    r"^(?:hi|hello|hey|hej|hejsan|hei|terve|moi|hallo|please|snälla|tack)\b[ ,.!]{1,4}"
)
_MAX_WORDS: Final = 60
_LINES: Final = 60


def is_programs(fields: Fields) -> bool:
    """Whether the header says that a program wrote this in somebody's place (RFC 3834 5, and what products write)."""
    submitted = fields.get("auto-submitted").lower()
    if submitted and not submitted.startswith("no"):
        return True
    if fields.get("precedence").lower() in {"auto_reply", "auto-reply", "autoreply"}:
        return True
    if any(fields.get(name) for name in _HEADERS) or fields.get("delivered-to").lower() == "autoresponder":
        return True
    return fields.get("x-post-messageclass").startswith("9") or "-vac@" in fields.get("message-id")


def has_empty_path(fields: Fields) -> bool:
    """Whether a message asks not to be answered, as absence notes do (RFC 3834 3.3) and no person's mail program."""
    stated = "".join(fields.get("return-path").split())
    return stated == "<>" and not fields.get("list-id") and not fields.get("list-unsubscribe")


def is_automatic(subject: str, text: str) -> bool:
    """Whether a program answered in somebody's place by the words of it: absence notes, receipts of help desks and
    the like."""
    lower = subject.lower()
    if any(map(lower.__contains__, _SUBJECTS)):
        return True
    return any(map(text[:_READ_CHARACTERS].lower().__contains__, _WORDS))


def is_challenge(fields: Fields, subject: str, text: str) -> bool:
    """Whether a program asks us to prove that we are people."""
    if fields.get("x-spamarrest-info") or fields.get("x-boxbe") or fields.get("x-tmda-fingerprint"):
        return True
    lower = f"{subject}\n{text[:_READ_CHARACTERS]}".lower()
    return any(map(lower.__contains__, _CHALLENGES))


def is_unsubscription(fields: Fields, subject: str, text: str) -> bool:
    """Whether this is the mail that a mail program sends to an address for leaving (RFC 2369 3.2)."""
    if fields.get("x-apple-unsubscribe"):
        return True
    if fields.get("auto-submitted").lower() not in {"", "no"}:
        return False
    return subject.strip(" .!").lower() in _STOPS and len(new_words(text).split()) <= _MAX_WORDS


def asks_to_stop(subject: str, text: str) -> bool:
    """Whether a person's own words plainly ask for no more mail."""
    written = new_words(text)
    if len(written.split()) > _MAX_WORDS:
        return False
    lines = [line.strip(" .!,-").lower() for line in written.split("\n") if line.strip(" .!,-")]
    said = [line for line in lines if not _GREETING.match(line)]
    wishes = [_ADDRESSING.sub("", line) for line in lines]
    if (said and said[0] in _STOPS) or any(wish in _STOPS for wish in wishes if wish not in lines):
        return True
    if not said and subject.strip(" .!").lower() in _STOPS:
        return True
    joined = " ".join(lines)
    return any(map(joined.__contains__, _PLAINLY))


def wants_nothing(subject: str, text: str) -> bool:
    """Whether the words ask for no marketing at all, not only for leaving one list."""
    return any(map(f"{subject}\n{new_words(text)}".lower().__contains__, _EVERYTHING))


def new_words(text: str) -> str:
    """What was written anew: all before the quoted message and the signature."""
    kept = []
    for line in text.split("\n", _LINES)[:_LINES]:
        short = line[:300].rstrip()
        if short == "--" or _QUOTE.match(short):
            break
        kept.append(short)
    return "\n".join(kept)


_READ_CHARACTERS: Final = 2_000
