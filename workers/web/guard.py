"""The outermost layer: no request ends in a traceback, and no outage in a false answer.

Promise: whatever goes wrong is answered 503 with Retry-After, so that mail programs and providers try
again; people get the page that says that nothing was saved. A log line names the error's class and place,
never its words, the path or the caller.
"""

from __future__ import annotations

from typing import Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaigns.errors import Unreachable
from workers.faults import place_of
from workers.web.pages import Pages

#: How long a caller should wait before trying again, in seconds.
RETRY_AFTER: Final = "30"
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
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 (nothing may pass: an error's words can hold personal data)
            if not isinstance(error, Unreachable):
                log.error("web request failed", error=place_of(error))  # noqa: TRY400 (a traceback tells values)
            if not started and scope["type"] == "http":
                await self._away(Request(scope))(scope, receive, send)

    def _away(self, request: Request) -> Response:
        headers = {"Retry-After": RETRY_AFTER}
        if not request.url.path.startswith(_FOR_PEOPLE):
            return JSONResponse({"error": "not now; try again later"}, 503, headers)
        page = self._pages.render(
            "unavailable", self._pages.language(request.query_params.get("lang")), 503, languages=[]
        )
        page.headers.update(headers)
        return page
