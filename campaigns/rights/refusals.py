"""On which grounds a request may be refused, and how the person is told: with the reason and the remedies.

Promise: there is no refusal without a ground that the law knows for that kind of request, without a reason, or
without the way to the supervisory authority and to a court (GDPR Art. 12(4)). An objection to direct marketing cannot
be refused (Art. 21(3)). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from campaigns.errors import InputError

_ALL: Final = frozenset({"access", "rectification", "erasure", "restriction", "portability"})


@dataclass(frozen=True)
class Ground:
    """Where the law says it, and for which kinds of requests."""

    law: str
    kinds: frozenset[str]


GROUNDS: Final[Mapping[str, Ground]] = {
    "not_identified": Ground("GDPR Art. 12(2), 12(6)", _ALL),
    "manifestly_unfounded": Ground("GDPR Art. 12(5)", _ALL),
    "excessive": Ground("GDPR Art. 12(5)", _ALL),
    "rights_of_others": Ground("GDPR Art. 15(4), 20(4)", frozenset({"access", "portability"})),
    "security_or_crime": Ground("1050/2018 § 34(1)(1)", frozenset({"access"})),
    "serious_danger": Ground("1050/2018 § 34(1)(2)", frozenset({"access"})),
    "supervision": Ground("1050/2018 § 34(1)(3)", frozenset({"access"})),
    "data_is_correct": Ground("GDPR Art. 16", frozenset({"rectification"})),
    "legal_obligation": Ground("GDPR Art. 17(3)(b)", frozenset({"erasure"})),
    "legal_claims": Ground("GDPR Art. 17(3)(e)", frozenset({"erasure"})),
    "still_needed": Ground("GDPR Art. 17(1)", frozenset({"erasure"})),
    "no_ground_for_restriction": Ground("GDPR Art. 18(1)", frozenset({"restriction"})),
    "neither_consent_nor_contract": Ground("GDPR Art. 20(1)", frozenset({"portability"})),
}


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused: the ground's word and the reason in this case, in the person's language."""

    ground: str
    reason: str

    def letter(self, kind: str, language: str | None) -> str:
        """The answer to the person, in their language (English where it is none of ours).

        Raises:
            InputError: the ground does not fit the kind of request, or no reason is given.
        """
        ground = GROUNDS.get(self.ground)
        if kind == "objection":
            raise InputError("an objection to direct marketing cannot be refused (GDPR Art. 21(3))")
        if ground is None or kind not in ground.kinds:
            fitting = ", ".join(name for name, it in GROUNDS.items() if kind in it.kinds)
            raise InputError(f"{self.ground!r} is no ground for refusing {kind}; there are {fitting}")
        if not self.reason.strip():
            raise InputError("a refusal has a reason, which the person is told")
        return _LETTERS.get(language or "", _LETTERS["en"]).format(law=ground.law, reason=self.reason.strip())


_LETTERS: Final[Mapping[str, str]] = {
    "sv": (
        "Vi kan inte göra det du har begärt.\n\nSkäl: {reason}\nRättslig grund: {law}\n\n"
        "Du har rätt att lämna in klagomål till tillsynsmyndigheten. I Finland är det dataombudsmannen "
        "(Dataombudsmannens byrå, www.tietosuoja.fi). Du har också rätt att väcka talan vid domstol.\n"
    ),
    "fi": (
        "Emme voi toteuttaa pyyntöäsi.\n\nPeruste: {reason}\nOikeusperuste: {law}\n\n"
        "Sinulla on oikeus tehdä valitus valvontaviranomaiselle. Suomessa se on tietosuojavaltuutettu "
        "(Tietosuojavaltuutetun toimisto, www.tietosuoja.fi). Sinulla on myös oikeus saattaa asia "
        "tuomioistuimen käsiteltäväksi.\n"
    ),
    "en": (
        "We cannot do what you have asked for.\n\nReason: {reason}\nLegal ground: {law}\n\n"
        "You have the right to lodge a complaint with the supervisory authority. In Finland it is the Data Protection "
        "Ombudsman (Office of the Data Protection Ombudsman, www.tietosuoja.fi). You also have the right to take the "
        "matter to a court.\n"
    ),
}
