"""Joining a list by a form (`/s/`), and confirming a wish from the mailbox (`/c/`).

Promise: the form gets one answer for a known address, an unknown one and one that said no, and its mail is the only
thing that follows; GET changes nothing, so a scanner that follows the mail's link confirms nothing; the confirmation by
POST is answered after the commit. A list that is not open to it, and a link that is forged, cut, foreign or forgotten,
get the page that every bad link gets. No address of a caller is kept, only a keyed fingerprint of it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from campaigns.address import EmailAddress, parse_email
from campaigns.content.language import LANGUAGES
from campaigns.errors import NotFound
from campaigns.feedback import cases
from campaigns.register import confirming, mailing_lists, opt_ins
from campaigns.register.mailing_lists import MailingList
from campaigns.register.opt_ins import OptIn, Wanted
from campaigns.register.own_data import read_own
from campaigns.register.permit import Binding, recording_noes
from campaigns.store.engine import reading, writing
from campaigns.tokens import TokenPurpose
from workers.shared_commits import SharedCommit
from workers.web.bodies import read_form
from workers.web.context import WebContext

#: Neighbours in one network of this size (IPv6) are one source.
_NETWORK_BITS: Final = 64


class OptInPages:
    """The handlers; what waits for the database runs in threads."""

    def __init__(self, context: WebContext) -> None:
        self._context, self._pages = context, context.pages
        self._asked: SharedCommit[Wanted, bool] = SharedCommit(self._ask_all, "opt-in")
        self._confirmed: SharedCommit[OptIn, bool] = SharedCommit(self._confirm_all, "confirm")

    async def form(self, request: Request) -> Response:
        """GET shows the form; POST has a confirmation asked for by mail."""
        form = await read_form(request) if request.method == "POST" else None
        language = self._language(request, form or {})
        found = await run_in_threadpool(self._open_list, request.path_params["key"])
        if found is None:
            return self._pages.render("unknown_link", language, 404)
        page = _Form(found, language, self._agreed_to(found, language), request.url.path)
        if form is None:
            return self._show_form(page, "")
        return await self._subscribe(page, form, _source(request))

    async def confirm(self, request: Request) -> Response:
        """GET asks; POST confirms."""
        form = await read_form(request) if request.method == "POST" else None
        wish = self._language(request, form or {})
        found = await run_in_threadpool(self._opt_in, request.path_params["token"])
        if found is None:
            return self._pages.render("unknown_link", wish, 404)
        opt_in, name = found
        given = (form or {}).get("lang"), request.query_params.get("lang"), opt_in.language
        language = self._pages.language(*given)
        done = False
        if form is not None:
            try:
                done = await self._confirmed.hand_in(opt_in, binds=True)
            except NotFound:
                return self._pages.render("unknown_link", wish, 404)
        return self._pages.render(
            "confirmed" if form is not None else "confirm",
            language,
            action=request.url.path,
            kind=opt_in.kind,
            list_name=name,
            address=opt_in.email,
            done=done,
            switch=form is None,
        )

    def _language(self, request: Request, form: Mapping[str, str]) -> str:
        return self._pages.language(form.get("lang"), request.query_params.get("lang"))

    def _open_list(self, key: str) -> MailingList | None:
        if key not in self._context.opt_in_lists:
            return None
        with reading(self._context.engine) as connection:
            try:
                return mailing_lists.get(connection, key)
            except NotFound:
                return None

    def _agreed_to(self, found: MailingList, language: str) -> str:
        words = self._pages.words(language)["page"]["subscribe"]
        name = self._pages.controller["name"]
        return f"{words['agree_before']}{found.name}{words['agree_middle']}{name}{words['agree_after']}"

    def _show_form(self, page: _Form, typed: str, problem: str = "") -> HTMLResponse:
        return self._pages.render(
            "subscribe",
            page.language,
            action=page.path,
            list_name=page.found.name,
            agreed_to=page.agreed_to,
            typed=typed,
            problem=problem,
        )

    async def _subscribe(self, page: _Form, form: Mapping[str, str], source: str) -> HTMLResponse:
        typed = form.get("email", "")
        values, problems = read_own({"email": typed})
        problem: str | None = problems.get("email") or (None if values.get("email") else "email")
        if problem is None and form.get("agree") != "on":
            problem = "agree"
        if problem is not None:
            return self._show_form(page, typed, problem)
        chosen = form.get("language", "")
        language = chosen if chosen in LANGUAGES else page.language
        if not form.get("website"):  # a field that people neither see nor fill in
            address: EmailAddress = parse_email(values["email"])
            wanted = Wanted("join", address, language, page.agreed_to, source, page.found.id)
            await self._asked.hand_in(wanted, binds=False)
        return self._pages.render("subscribe_sent", page.language, languages=[], list_name=page.found.name)

    def _ask_all(self, wishes: Sequence[Wanted]) -> tuple[Sequence[bool], Binding]:
        with writing(self._context.engine) as connection:
            return [opt_ins.ask(connection, self._context.ring, wish) for wish in wishes], Binding(0.0)

    def _opt_in(self, token: str) -> tuple[OptIn, str] | None:
        """The wish that a link stands for, with the name of its list."""
        claims = self._context.tokens.read_link(TokenPurpose.CONFIRM, token)
        if claims is None:
            return None
        with reading(self._context.engine) as connection:
            found = opt_ins.find(connection, claims)
            if found is None:
                return None
            return found, mailing_lists.name_of(connection, found.list_id) if found.list_id else ""

    def _confirm_all(self, wishes: Sequence[OptIn]) -> tuple[Sequence[bool], Binding]:
        with recording_noes(self._context.engine) as (connection, binding):
            done = [self._confirm_one(connection, wish) for wish in sorted(wishes, key=lambda it: it.id)]
        by_id = dict(zip(sorted(wish.id for wish in wishes), done, strict=True))
        return [by_id[wish.id] for wish in wishes], binding

    def _confirm_one(self, connection: sa.Connection, wish: OptIn) -> bool:
        problem = confirming.confirm(connection, self._context.ring, wish)
        if problem is not None:
            matter = cases.Matter("address", f"opt_in:{wish.id}", problem, contact_id=wish.contact_id)
            cases.open_case(connection, matter, opt_ins.OPT_IN)
        return problem is None


@dataclass(frozen=True)
class _Form:
    """The form of one list in one language, with the words that are agreed to by sending it."""

    found: MailingList
    language: str
    agreed_to: str
    path: str


def _source(request: Request) -> str:
    """What tells one caller from another, of which only a fingerprint is ever kept."""
    host: Any = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address  # as a dual socket, or a proxy, tells of IPv4
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), _NETWORK_BITS), strict=False))
