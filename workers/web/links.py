"""The links in messages: leaving (`/u/`), and the message in the browser (`/v/`).

Promise: only POST changes anything, and it is answered when the "no" binds. A token that is forged, cut,
foreign, of another purpose or over-long gets one answer, the same octets for all. What a person is shown of
the register is what their own token stands for. Sources: RFC 8058 3.1-3.2, RFC 9110 9.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from campaigns.clock import utc_now
from campaigns.tokens import TokenClaims, TokenPurpose
from workers.shared_commits import SharedCommit
from workers.web.bodies import read_form
from workers.web.context import WebContext
from workers.web.pages import HEADERS
from workers.web.people import Wish, holder, leave, time_text, what_is_left

_VIEW_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' {origin}; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class Links:
    """The handlers; what waits for the database runs in threads."""

    def __init__(self, context: WebContext) -> None:
        self._context, self._pages = context, context.pages
        self._commits: SharedCommit[Wish, None] = SharedCommit(
            lambda wishes: leave(context.engine, wishes), "unsubscribe"
        )

    async def unsubscribe(self, request: Request) -> Response:
        """GET asks and changes nothing; POST leaves."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": "GET, HEAD, POST, OPTIONS"})
        token, wish = request.path_params["token"], request.query_params.get("lang")
        form = await read_form(request) if request.method == "POST" else None
        claims = self._context.tokens.read_link(TokenPurpose.UNSUBSCRIBE, token)
        if claims is None:
            return self._unknown(wish)
        if form is None:
            return await run_in_threadpool(self._ask, claims, wish, request.url.path)
        return await self._act(claims, form, request.url.path)

    async def view(self, request: Request) -> Response:
        """The message in the browser, made anew; nothing is recorded."""
        claims = self._context.tokens.read_link(TokenPurpose.VIEW, request.path_params["token"])
        page = await run_in_threadpool(self._context.view, claims) if claims is not None else None
        if page is None:
            return self._unknown(request.query_params.get("lang"))
        policy = _VIEW_POLICY.format(origin=self._context.public_origin)
        return HTMLResponse(page, headers={**HEADERS, "Content-Security-Policy": policy})

    def _unknown(self, wish: str | None) -> HTMLResponse:
        return self._pages.render("unknown_link", self._pages.language(wish), 404)

    def _ask(self, claims: TokenClaims, wish: str | None, path: str) -> HTMLResponse:
        who = holder(self._context.engine, claims)
        language = self._pages.language(wish, who.language)
        return self._pages.render(
            "unsubscribe", language, list_name=who.list_name, address=who.address, action=path
        )

    async def _act(self, claims: TokenClaims, form: Mapping[str, str], path: str) -> HTMLResponse:
        everything = form.get("scope") == "all"
        who = await run_in_threadpool(holder, self._context.engine, claims)
        await self._commits.hand_in(Wish(claims, everything), binds=True)
        left = await run_in_threadpool(what_is_left, self._context.engine, claims)
        language = self._pages.language(form.get("lang"), who.language)
        return self._pages.render(
            "unsubscribed",
            language,
            languages=[],
            list_name=who.list_name,
            address=who.address,
            action=path,
            time_text=time_text(utc_now(), self._context.time_zone, language),
            stopped_all=everything or left is None or left.stopped,
            left=left,
            list_id=claims.list_id,
            choices=f"/p/{self._context.tokens.for_link(TokenPurpose.PREFERENCES, claims)}",
        )
