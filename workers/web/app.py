"""The web application: who holds a link of ours may leave; providers may report; everybody may see the
pictures.

Promise: GET changes nothing, whoever follows links; POST answers after its "no" binds, never with a
redirect; a link that is not ours gets one answer whatever is wrong with it; while the database is away the
answer is 503, never a false 200. No log line names a token or a caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import HTMLResponse, JSONResponse, Response

from campaigns import __version__
from campaigns.clock import utc_now
from campaigns.errors import Unreachable
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenClaims, TokenMaker, TokenPurpose
from workers.web.hooks import BODY_OCTETS, take_generic
from workers.web.pages import HEADERS, Pages
from workers.web.people import holder, leave, time_text

_FORM_OCTETS: Final = 20_000
_VIEW_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' {public}; base-uri 'none'"
)

View = Callable[[TokenClaims], str | None]


@dataclass(frozen=True)
class WebContext:
    """What the web needs: the register, the tokens, the pages, the view of a delivery, the endpoints' secrets."""

    engine: sa.Engine
    tokens: TokenMaker
    pages: Pages
    view: View
    webhooks: Mapping[str, Sequence[str]]
    public_url: str
    time_zone: str


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
    site = _Site(context)
    app.add_route("/u/{token}", site.unsubscribe, methods=["GET", "HEAD", "POST"])
    app.add_route("/v/{token}", site.view, methods=["GET", "HEAD"])
    app.add_route("/a/{name}", site.asset, methods=["GET", "HEAD"])
    app.add_api_route(
        "/hooks/generic/{endpoint}",
        site.hook,
        methods=["POST"],
        responses={400: {}, 401: {}, 413: {}, 503: {}},
        response_model=None,
    )
    app.add_api_route("/healthz", site.healthz, methods=["GET"])
    app.add_api_route("/readyz", site.readyz, methods=["GET"], responses={503: {}}, response_model=None)
    app.add_route("/metrics", site.metrics, methods=["GET"])
    return app


class _Site:
    """The handlers; what waits for the database runs in threads."""

    def __init__(self, context: WebContext) -> None:
        self._context = context

    async def unsubscribe(self, request: Request) -> Response:
        """The page, or the act."""
        token, wish = request.path_params["token"], request.query_params.get("lang")
        claims = self._context.tokens.read_link(TokenPurpose.UNSUBSCRIBE, token)
        if request.method != "POST":
            return await run_in_threadpool(self._ask, claims, request.url.path, wish)
        form = await _form(request)
        return await run_in_threadpool(self._act, claims, request.url.path, form)

    def _ask(self, claims: TokenClaims | None, path: str, wish: str | None) -> HTMLResponse:
        pages = self._context.pages
        if claims is None:
            return pages.render("unknown_link", pages.language(wish), 404)
        try:
            who = holder(self._context.engine, claims)
        except Unreachable:
            return self._away(wish)
        language = pages.language(wish, who.language)
        return pages.render(
            "unsubscribe", language, list_name=who.list_name, address=who.address, action=path
        )

    def _act(self, claims: TokenClaims | None, path: str, form: Mapping[str, str]) -> HTMLResponse:
        pages, wish = self._context.pages, form.get("lang")
        if claims is None:
            return pages.render("unknown_link", pages.language(wish), 404)
        everything = form.get("scope") == "all"
        try:
            who = holder(self._context.engine, claims)
            leave(self._context.engine, claims, everything=everything)
        except Unreachable:
            return self._away(wish)
        language = pages.language(wish, who.language)
        return pages.render(
            "unsubscribed",
            language,
            languages=[],
            list_name=who.list_name,
            address=who.address,
            action=path,
            time_text=time_text(utc_now(), self._context.time_zone, language),
            stopped_all=everything,
        )

    def _away(self, wish: str | None) -> HTMLResponse:
        pages = self._context.pages
        answer = pages.render("unavailable", pages.language(wish), 503)
        answer.headers["Retry-After"] = "30"
        return answer

    async def view(self, request: Request) -> Response:
        """The message in the browser, rendered anew; nothing is recorded."""
        claims = self._context.tokens.read_link(TokenPurpose.VIEW, request.path_params["token"])
        pages = self._context.pages
        try:
            page = await run_in_threadpool(self._context.view, claims) if claims is not None else None
        except Unreachable:
            return self._away(None)
        if page is None:
            return pages.render("unknown_link", pages.language(), 404)
        policy = _VIEW_POLICY.format(public=self._context.public_url)
        return HTMLResponse(page, headers={**HEADERS, "Content-Security-Policy": policy})

    async def asset(self, request: Request) -> Response:
        """A picture or stylesheet, by its content; the same for everybody, nobody is noted."""
        name = request.path_params["name"]
        file = self._context.pages.files.get(name)
        if file is None:
            try:
                found = await run_in_threadpool(self._stored, name)
            except Unreachable:
                return Response(status_code=503, headers={"Retry-After": "30"})
            if found is None:
                return Response(status_code=404)
            media_type, content = found
        else:
            media_type, content = file.media_type, file.content
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(content, media_type=media_type, headers={**headers, "ETag": f'"{name}"'})

    def _stored(self, name: str) -> tuple[str, bytes] | None:
        digest, _, extension = name.partition(".")
        table = schema.asset.c
        statement = sa.select(table.media_type, table.content)
        with reading(self._context.engine) as connection:
            row = connection.execute(
                statement.where(table.hash == digest, table.extension == extension)
            ).one_or_none()
        return (row.media_type, bytes(row.content)) if row else None

    async def hook(self, endpoint: str, request: Request) -> Response:
        """News from a provider that signs as Standard Webhooks do."""
        body = await _body(request, BODY_OCTETS)
        if body is None:
            return JSONResponse({"error": f"the body is larger than {BODY_OCTETS} octets"}, 413)
        secrets = self._context.webhooks.get(endpoint, ())
        context = self._context
        sent = (dict(request.headers), body)
        return await run_in_threadpool(take_generic, context.engine, context.tokens, endpoint, secrets, sent)

    def healthz(self) -> dict[str, str]:
        """The process is up."""
        return {"status": "up"}

    def readyz(self) -> Response:
        """The database answers."""
        try:
            with reading(self._context.engine) as connection:
                connection.execute(sa.select(schema.gate.c.epoch)).scalar_one()
        except (Unreachable, sa.exc.SQLAlchemyError):
            return JSONResponse({"status": "the database does not answer"}, 503)
        return JSONResponse({"status": "ready"})

    async def metrics(self, _request: Request) -> Response:
        """What Prometheus reads."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _body(request: Request, limit: int) -> bytes | None:
    """The body, or None where it is larger than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


async def _form(request: Request) -> dict[str, str]:
    """The plain fields of a form of either kind; nothing of a body that is no form, since any body may come."""
    body = await _body(request, _FORM_OCTETS)
    if not body:
        return {}

    async def once() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, once).form(max_files=5, max_fields=20)
    except Exception:  # noqa: BLE001 (whatever the body is, the link alone says what is wanted)
        return {}
    return {name: value for name, value in form.items() if isinstance(value, str)}
