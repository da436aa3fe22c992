"""The web application: who holds a link of ours may leave; providers may report; everybody may see the
pictures.

Promise: GET changes nothing, whoever follows links; POST answers after its "no" binds, never with a
redirect; a link that is not ours gets one answer whatever is wrong with it; while the database is away the
answer is 503, never a false 200. No log line names a token or a caller. `/api/v1/openapi.json` describes
what programs may call.
"""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from campaigns import __version__
from workers.ready import database_problems
from workers.web.api import Api, describe
from workers.web.context import View, WebContext
from workers.web.guard import Guard
from workers.web.hooks import HOOK_ANSWERS, HOOK_DESCRIPTION, Hooks
from workers.web.links import Links
from workers.web.opt_in import OptInPages
from workers.web.pictures import Pictures
from workers.web.preferences import PreferencePages

__all__ = ["View", "WebContext", "create_app"]

_SHOWN: Final = ["GET", "HEAD"]


def create_app(context: WebContext) -> FastAPI:
    """The application."""
    app = FastAPI(
        title="Utskick",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,
    )
    links, pictures, hooks, reports = Links(context), Pictures(context), Hooks(context), _Reports(context)
    # `path` takes slashes too, so that a link with something behind it gets the same page as any other bad one.
    app.add_route("/u/{token:path}", links.unsubscribe, methods=[*_SHOWN, "POST", "OPTIONS"])
    preferences, opt_in = PreferencePages(context), OptInPages(context)
    app.add_route("/s/{key:path}", opt_in.form, methods=[*_SHOWN, "POST"])
    app.add_route("/c/{token:path}", opt_in.confirm, methods=[*_SHOWN, "POST"])
    app.add_route("/p/{token:path}", preferences.serve, methods=[*_SHOWN, "POST"])
    app.add_route("/v/{token:path}", links.view, methods=_SHOWN)
    app.add_route("/a/{name:path}", pictures.serve, methods=_SHOWN)
    app.add_api_route(
        "/hooks/{provider}/{endpoint}",
        hooks.take,
        methods=["POST"],
        responses=HOOK_ANSWERS,
        response_model=None,
        openapi_extra=HOOK_DESCRIPTION,
    )
    app.add_route("/hooks/{provider}/{endpoint}", reports.hook_is_there, methods=["HEAD"])
    Api(context).add_to(app)
    describe(app)
    app.add_api_route("/healthz", reports.healthz, methods=_SHOWN, include_in_schema=False)
    app.add_api_route("/readyz", reports.readyz, methods=_SHOWN, response_model=None, include_in_schema=False)
    app.add_route("/metrics", reports.metrics, methods=_SHOWN)
    app.add_middleware(Guard, pages=context.pages)
    return app


class _Reports:
    """What programs say to us and ask of us."""

    def __init__(self, context: WebContext) -> None:
        self._context = context

    async def hook_is_there(self, _request: Request) -> Response:
        """Some providers look whether a URL answers before they take it; it answers whatever stands in it."""
        return Response()

    async def healthz(self) -> dict[str, str]:
        """The process is up."""
        return {"status": "up"}

    def readyz(self) -> Response:
        """Whether the register can be worked with; if not, why."""
        reasons = database_problems(self._context.engine)
        status = "not ready" if reasons else "ready"
        return JSONResponse({"status": status, "reasons": reasons}, 503 if reasons else 200)

    async def metrics(self, _request: Request) -> Response:
        """What Prometheus reads."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
