"""The preference page (`/p/`): what a person gets, how, in which language, and what is held on them.

Promise: GET changes nothing; POST is answered after the commit, and when a "no" in it binds. A link that is forged,
cut, foreign or of another purpose, and one of a person whom the register has forgotten, get one answer, the same octets
for all. A form sent twice leaves what it left the first time; one sent late takes back no "no" that was said since it
was opened; a body that is none of our forms changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from campaigns.address import parse_email
from campaigns.clock import iso, utc_now
from campaigns.content.language import LANGUAGES, as_language, date_text
from campaigns.errors import NotFound, RefusedOperation
from campaigns.principal import Principal
from campaigns.register import corrections, opt_ins, pauses, preferences, subscriptions, surveys
from campaigns.register.opt_ins import Wanted
from campaigns.register.own_data import FIELDS, read_own
from campaigns.register.pauses import Evidence
from campaigns.register.permit import Binding, recording_noes
from campaigns.register.preferences import Choice, Preferences
from campaigns.register.survey_form import options, read_answers, said
from campaigns.register.surveys import Survey
from campaigns.rights import rectification, requests
from campaigns.store.engine import reading
from campaigns.tokens import TokenClaims, TokenPurpose
from workers.shared_commits import SharedCommit
from workers.web.bodies import read_form
from workers.web.context import WebContext

ORIGIN: Final = "preference page"
#: The pauses that are offered, in months.
PAUSES: Final = (1, 3)
_VIEWS: Final = {"": "preferences", "data": "my_data", "copy": "ask_copy", "surveys": "surveys"}
#: What the names of a survey's fields begin with.
_QUESTION: Final = "q-"

Form = Mapping[str, str]
#: What is written for one person, on which evidence and by whom.
Deed = Callable[[sa.Connection, tuple[Evidence, Principal]], None]


@dataclass(frozen=True)
class _Wish:
    claims: TokenClaims
    deed: Deed


class PreferencePages:
    """The handlers; what waits for the database runs in threads."""

    def __init__(self, context: WebContext) -> None:
        self._context, self._pages = context, context.pages
        self._commits: SharedCommit[_Wish, None] = SharedCommit(self._commit, "preferences")
        # They wait while an import has its turn; nobody's "no" waits, or fails, along with them.
        self._corrections: SharedCommit[_Wish, None] = SharedCommit(self._commit, "corrections")
        self._forms = {
            "choices": self._choose,
            "stop": self._stop,
            "join": self._join,
            "leave": self._leave,
            "correct": self._correct,
            "copy": self._ask_copy,
            "restore": self._restore,
            "answer": self._answer,
        }

    async def serve(self, request: Request) -> Response:
        """GET shows; POST does what the form says."""
        wish = request.query_params.get("lang")
        form = await read_form(request) if request.method == "POST" else {}
        claims = self._context.tokens.read_link(TokenPurpose.PREFERENCES, request.path_params["token"])
        found = await run_in_threadpool(self._look, claims) if claims is not None else None
        if claims is None or found is None:
            return self._pages.render("unknown_link", self._pages.language(wish), 404)
        person, asked = found
        language = self._pages.language(form.get("lang"), wish, person.person["language"])
        visit = Visit(claims, person, language, request.url.path, request.query_params.get("view", ""), asked)
        does = self._forms.get(form.get("do", ""))
        try:
            return await does(visit, form) if does is not None else self.show(visit)
        except NotFound:
            return self._pages.render("unknown_link", self._pages.language(wish), 404)

    def show(self, visit: Visit, outcome: str = "", **more: Any) -> HTMLResponse:
        """One of the pages as things stand; `outcome` names what was just done."""
        view = visit.view if visit.view in _VIEWS else ""
        zone = ZoneInfo(self._context.time_zone)
        return self._pages.render(
            _VIEWS[view],
            visit.language,
            action=visit.path,
            query=f"&view={view}" if view else "",
            person=visit.person,
            pause=_pause_options(visit.person, utc_now().astimezone(zone), visit.language),
            was_pause=_mark(visit.person.paused_until),
            outcome=outcome,
            surveys=visit.surveys,
            said=said,
            options=options,
            **{"values": visit.person.person, "problems": {}, "again": 0, **more},
        )

    def _look(self, claims: TokenClaims) -> tuple[Preferences, list[Survey]] | None:
        with reading(self._context.engine) as connection:
            person = preferences.read(connection, claims.contact)
            if person is None:
                return None
            return person, surveys.open_to(connection, person.contact_id, claims.list_id)

    def _commit(self, wishes: Sequence[_Wish]) -> tuple[Sequence[None], Binding]:
        with recording_noes(self._context.engine) as (connection, binding):
            # In one order, whatever order they came in: transactions then never wait for each other in a circle.
            for wish in sorted(wishes, key=lambda wish: wish.claims.contact):
                proof = f"link of delivery {wish.claims.campaign}.{wish.claims.number}"
                told = Evidence(ORIGIN, proof), Principal(f"contact:{wish.claims.contact}")
                wish.deed(connection, told)
        return [None] * len(wishes), binding

    async def _done(
        self, visit: Visit, deed: Deed, outcome: str, commits: SharedCommit[_Wish, None] | None = None
    ) -> HTMLResponse:
        """Do it, wait until it binds, and show how things stand now."""
        await (commits or self._commits).hand_in(_Wish(visit.claims, deed), binds=True)
        found = await run_in_threadpool(self._look, visit.claims)
        if found is None:
            raise NotFound
        (person, asked), language = found, visit.language
        if person.person["language"] != visit.person.person["language"]:
            language = self._pages.language(person.person["language"], language)
        view = visit.view if asked and visit.view == "surveys" else ""
        return self.show(Visit(visit.claims, person, language, visit.path, view, asked), outcome)

    async def _choose(self, visit: Visit, form: Form) -> HTMLResponse:
        choice = _choice(form, visit.person, self._context.time_zone)
        contact, ring = visit.claims.contact, self._context.ring

        def deed(connection: sa.Connection, told: tuple[Evidence, Principal]) -> None:
            preferences.choose(connection, ring, contact, choice, told)

        return await self._done(visit, deed, "saved")

    async def _stop(self, visit: Visit, _form: Form) -> HTMLResponse:
        contact = visit.claims.contact

        def deed(connection: sa.Connection, told: tuple[Evidence, Principal]) -> None:
            evidence, principal = told
            subscriptions.object_to_marketing(connection, contact, evidence.origin, evidence.proof, principal)

        return await self._done(visit, deed, "stopped")

    async def _join(self, visit: Visit, form: Form) -> HTMLResponse:
        return await self._change_list(visit, form, wanted=True)

    async def _leave(self, visit: Visit, form: Form) -> HTMLResponse:
        return await self._change_list(visit, form, wanted=False)

    async def _change_list(self, visit: Visit, form: Form, *, wanted: bool) -> HTMLResponse:
        """One list, by the buttons of the page that says that a person has left another."""
        known = {str(item.id): item.id for item in visit.person.lists}
        list_id = known.get(form.get("list", ""))
        if list_id is None:
            return self.show(visit)
        choice = Choice(lists={list_id: wanted})
        contact, ring = visit.claims.contact, self._context.ring

        def deed(connection: sa.Connection, told: tuple[Evidence, Principal]) -> None:
            preferences.choose(connection, ring, contact, choice, told)

        return await self._done(visit, deed, "saved")

    async def _correct(self, visit: Visit, form: Form) -> HTMLResponse:
        typed = {name: form[name] for name in FIELDS if name in form}
        values, problems = read_own(typed)
        if visit.person.person["email"] and values.get("email") == "":
            problems["email"] = "email"
        if problems:
            again = replace(visit, view="data")
            return self.show(again, values={**visit.person.person, **typed}, problems=problems)
        ring, now = self._context.ring, visit.person
        given = values.pop("email", "")
        moving = bool(given) and given != now.person["email"]

        def deed(connection: sa.Connection, told: tuple[Evidence, Principal]) -> None:
            evidence, principal = told
            if moving:
                wanted = Wanted("move", parse_email(given), visit.language, "", contact_id=now.contact_id)
                opt_ins.ask(connection, ring, wanted)
            correction = corrections.Correction(values, evidence.origin, "person", evidence.proof)
            rectification.correct(connection, ring, now.contact_id, correction, principal)

        return await self._done(visit, deed, "moving" if moving else "corrected", self._corrections)

    async def _restore(self, visit: Visit, _form: Form) -> HTMLResponse:
        """Whoever holds the link may ask for it; only the owner of the mailbox can have it done."""
        ring, now = self._context.ring, visit.person
        if not (now.stopped and now.person["email"]):
            return self.show(visit)

        def deed(connection: sa.Connection, _told: tuple[Evidence, Principal]) -> None:
            address = parse_email(now.person["email"])
            wanted = Wanted("restore", address, visit.language, "", contact_id=now.contact_id)
            opt_ins.ask(connection, ring, wanted)

        return await self._done(visit, deed, "restore")

    async def _answer(self, visit: Visit, form: Form) -> HTMLResponse:
        """A survey that this person is asked and has not answered yet."""
        survey = next((it for it in visit.surveys if str(it.id) == form.get("survey")), None)
        visit = replace(visit, view="surveys")
        if survey is None:
            return self.show(visit)
        given = {
            name.removeprefix(_QUESTION): text for name, text in form.items() if name.startswith(_QUESTION)
        }
        answers, wrong = read_answers(survey.form, given)
        if wrong or not answers:
            return self.show(visit, values=given, problems=wrong, again=survey.id)
        contact = visit.person.contact_id

        def deed(connection: sa.Connection, told: tuple[Evidence, Principal]) -> None:
            with suppress(RefusedOperation):  # closed since the page was asked for
                surveys.answer(connection, survey, contact, answers, told[1])

        return await self._done(visit, deed, "answered", self._corrections)

    async def _ask_copy(self, visit: Visit, _form: Form) -> HTMLResponse:
        contact, zone = visit.claims.contact, self._context.time_zone
        today = utc_now().astimezone(ZoneInfo(zone)).date()

        def deed(connection: sa.Connection, told: tuple[Evidence, Principal]) -> None:
            evidence, principal = told
            asked = requests.Asked(
                kind="access",
                came_by="page",
                contact_id=contact,
                evidence=f"{evidence.origin}: {evidence.proof}",
                reference=f"contact:{contact} {today.isoformat()}",
                language=visit.language,
                time_zone=zone,
            )
            requests.open_request(connection, asked, principal)

        return await self._done(visit, deed, "asked")


@dataclass(frozen=True)
class Visit:
    """One request by somebody whose link is good: the person as they stand, the language, which page, and the surveys
    that they may answer."""

    claims: TokenClaims
    person: Preferences
    language: str
    path: str
    view: str = ""
    surveys: Sequence[Survey] = ()


def _choice(form: Form, person: Preferences, zone: str) -> Choice:
    """What the form says of what this person could be asked about; the rest of it counts for nothing."""
    pause, today = form.get("pause", ""), utc_now().astimezone(ZoneInfo(zone)).date()
    lists = {item.id: _ticked(form, f"list-{item.id}") for item in person.lists}
    channels = {channel: _ticked(form, f"channel-{channel}") for channel in person.channels}
    months = int(pause) if pause in {str(number) for number in PAUSES} else 0
    seen = person.paused_until if form.get("was-pause") == _mark(person.paused_until) else None
    return Choice(
        lists={list_id: wanted for list_id, wanted in lists.items() if wanted is not None},
        channels={channel: wanted for channel, wanted in channels.items() if wanted is not None},
        language=form["language"] if form.get("language") in LANGUAGES else None,
        pause=pauses.end_of(pauses.months_later(today, months), zone) if months else None,
        unpaused=pause == "none",
        seen_pause=seen,
    )


def _ticked(form: Form, name: str) -> bool | None:
    """What a box says; a tick counts only where the page that was shown had none, and no tick counts always."""
    if form.get(name) == "on":
        return True if form.get(f"was-{name}") == "off" else None
    return False if name in form else None


def _mark(pause: datetime | None) -> str:
    """The pause that a page shows, for the form to say."""
    return iso(pause) if pause is not None else ""


def _pause_options(person: Preferences, now: datetime, language: str) -> dict[str, str]:
    """The words of the form for each pause, with the day until which it lasts; `now` is local."""
    zone = str(now.tzinfo)
    options = {}
    if person.paused_until is not None:
        last_day = pauses.last_day_of(person.paused_until, zone)
        options["now"] = date_text(last_day, as_language(language))
    for months in PAUSES:
        options[str(months)] = date_text(pauses.months_later(now.date(), months), as_language(language))
    return options
