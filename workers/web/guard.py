"""The outermost layer: no request ends in a traceback, and no outage in a false answer.

Promise: whatever goes wrong is answered 503 with Retry-After, so that mail programs and providers try
again; people get the page that says that nothing was saved. A log line names the error's class and place,
never its words, the path or the caller. Every answer that does not say otherwise itself is kept by no cache, shown in
no search, run as nothing and framed by nobody. A request whose end can be read in two ways is refused and the
connection closed (RFC 9112 6.3), so that no proxy in front takes a part of it for somebody else's.
"""

from __future__ import annotations

from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaigns.errors import Unreachable
from workers.faults import place_of
from workers.web.pages import Pages

#: How long a caller should wait before trying again, in seconds.
RETRY_AFTER: Final = "30"
#: What every answer says that says nothing else.
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_FOR_PEOPLE: Final = ("/u/", "/v/", "/p/", "/s/", "/c/")

log = structlog.get_logger()


class Guard:
    """Wraps an application."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app, self._pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer for it where it fails."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] == "http" and _is_ambiguous(scope):
            await JSONResponse({"error": "ambiguous length"}, 400, {"Connection": "close"})(
                scope, receive, watched
            )
            return
        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 (nothing may pass: an error's words can hold personal data)
            if not isinstance(error, Unreachable):
                log.error("web request failed", error=place_of(error))  # noqa: TRY400 (a traceback tells values)
            if not started and scope["type"] == "http":
                await self._away(Request(scope))(scope, receive, watched)

    def _away(self, request: Request) -> Response:
        headers = {"Retry-After": RETRY_AFTER}
        if not request.url.path.startswith(_FOR_PEOPLE):
            return JSONResponse({"error": "not now; try again later"}, 503, headers)
        page = self._pages.render(
            "unavailable", self._pages.language(request.query_params.get("lang")), 503, languages=[]
        )
        page.headers.update(headers)
        return page


def _is_ambiguous(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return {b"content-length", b"transfer-encoding"} <= names
