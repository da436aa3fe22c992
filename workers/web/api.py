"""The interface for programs: `/api/v1/…`, described by `/api/v1/openapi.json`.

Promise: nothing is answered without a bearer token that is worth something at that moment (`utskick tokens`);
everything unknown is one 401, what the token's account may not do is 403. A recorded "no" is answered when it binds
(200), a submission when it is on the queue (202); what cannot be read is 400 with all faults; 503 while the database or
the queue is away. Addresses travel in bodies, never in URLs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from campaigns.access import Operation, demand
from campaigns.address import parse_email
from campaigns.clock import iso
from campaigns.delivery import seeing
from campaigns.errors import Fault, FaultyInput, InputError, NotAllowed, NotFound
from campaigns.planning.submission import DOCUMENT_OCTETS
from campaigns.principal import Principal
from campaigns.register import access_tokens, objections
from campaigns.register.permit import Binding, recording_noes
from campaigns.store.engine import reading, writing
from workers.shared_commits import SharedCommit
from workers.web.api_shapes import (
    ANSWERS,
    NUMBER,
    REFUSED_TOO,
    SUBMISSION,
    AddressQuestion,
    NewSuppression,
    body_of,
    document_of,
    read_as,
)
from workers.web.context import WebContext

_BODY_OCTETS: Final = 20_000
Handler = Callable[[Request, Principal], Awaitable[Response]]
#: The noes of one request, and who says so.
Wish = tuple[list[objections.No], Principal]


@dataclass(frozen=True)
class _Route:
    """One call: how it is reached, who answers it, and how it is described."""

    method: str
    path: str
    handler: Handler
    summary: str
    status: int = 200
    described: Mapping[str, Any] = field(default_factory=dict)


class Api:
    """The handlers."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._commits: SharedCommit[Wish, bool] = SharedCommit(self._commit, "api")

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        question = body_of(AddressQuestion.model_json_schema())
        new = body_of(NewSuppression.model_json_schema())
        for route in (
            _Route("POST", "/submissions", self._submit, "Ask for a campaign", 202, body_of(SUBMISSION)),
            _Route("GET", "/campaigns", self._campaigns, "All campaigns", 200, REFUSED_TOO),
            _Route("GET", "/campaigns/{campaign}", self._campaign, "The accounts of a campaign", 200, NUMBER),
            _Route("POST", "/suppressions", self._suppress, 'Record a "no"', 200, new),
            _Route("POST", "/suppressions/check", self._check, "What stands against one", 200, question),
        ):
            app.add_api_route(
                f"/api/v1{route.path}",
                self._guarded(route.handler),
                methods=[route.method],
                summary=route.summary,
                status_code=route.status,
                responses=ANSWERS,
                response_model=None,
                openapi_extra={"security": [{"bearer": []}], **route.described},
            )
            if route.method == "GET":
                app.add_api_route(
                    f"/api/v1{route.path}",
                    self._guarded(route.handler),
                    methods=["HEAD"],
                    response_model=None,
                    include_in_schema=False,
                )

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Who may call, and the answer where something is wrong with what was said."""

        async def guarded(request: Request) -> Response:
            principal = await run_in_threadpool(self._principal, request.headers.get("authorization", ""))
            if principal is None:
                return JSONResponse({"error": "no such token"}, 401, {"WWW-Authenticate": "Bearer"})
            try:
                return await handler(request, principal)
            except NotFound as error:
                return JSONResponse({"error": str(error)}, 404)
            except NotAllowed as error:
                return JSONResponse({"error": str(error)}, 403)
            except InputError as error:
                faults = error.faults if isinstance(error, FaultyInput) else [Fault("address", str(error))]
                told = [{"where": fault.where, "problem": fault.problem} for fault in faults]
                return JSONResponse({"error": "cannot be read", "faults": told}, 400)

        return guarded

    def _principal(self, authorization: str) -> Principal | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        with reading(self._context.engine) as connection:
            return access_tokens.bearer(connection, token.strip())

    async def _submit(self, request: Request, principal: Principal) -> Response:
        """What becomes of it is shown by the campaigns; a refused one is kept with all its faults."""
        document = await document_of(request, DOCUMENT_OCTETS)
        name = document.get("submission_id")
        if not isinstance(name, str) or not name.strip():
            raise FaultyInput([Fault("submission_id", "is missing: a text that names this submission")])
        signed = self._context.signing.signed(document, principal)
        await run_in_threadpool(self._context.submit, signed)
        return JSONResponse({"submission_id": name}, 202)

    async def _campaigns(self, request: Request, principal: Principal) -> Response:
        refused = request.query_params.get("refused", "").lower() in {"1", "true"}
        listed = seeing.list_refused if refused else seeing.list_campaigns
        return JSONResponse({"campaigns": await run_in_threadpool(listed, self._context.engine, principal)})

    async def _campaign(self, request: Request, principal: Principal) -> Response:
        number = request.path_params["campaign"]
        if not (number.isascii() and number.isdigit() and len(number) <= 15):
            raise NotFound("there is no such campaign")
        return JSONResponse(
            await run_in_threadpool(seeing.show, self._context.engine, int(number), principal)
        )

    async def _suppress(self, request: Request, principal: Principal) -> Response:
        demand(principal, Operation.SUPPRESSION_ADD)  # before it is put together with others
        asked = read_as(NewSuppression, await document_of(request, _BODY_OCTETS))
        scope = objections.Scope(channel="email" if asked.kind == "hard_bounce" else asked.channel or "")
        keys = objections.address_keys(self._context.ring, parse_email(asked.address))
        noes = [objections.No(asked.kind, key, scope, "api", asked.evidence) for key in keys]
        recorded = await self._commits.hand_in((noes, principal), binds=True)
        return JSONResponse({"recorded": recorded})

    async def _check(self, request: Request, principal: Principal) -> Response:
        asked = read_as(AddressQuestion, await document_of(request, _BODY_OCTETS))
        keys = self._context.ring.fingerprints("address", parse_email(asked.address).comparison_text)
        rows = await run_in_threadpool(self._standing, keys, principal)
        return JSONResponse({"suppressed": bool(rows), "suppressions": rows})

    def _standing(self, keys: Mapping[int, bytes], principal: Principal) -> list[dict[str, Any]]:
        names = ("id", "kind", "list_id", "purpose", "channel", "origin", "evidence", "recorded_by")
        with writing(self._context.engine) as connection:
            return [
                {**{name: row[name] for name in names}, "recorded_at": iso(row["recorded_at"])}
                for row in objections.look_up(connection, keys, principal)
            ]

    def _commit(self, wishes: Sequence[Wish]) -> tuple[list[bool], Binding]:
        """In one order, whatever order they came in: two processes then never wait for each other in a circle."""
        recorded: dict[int, bool] = {}
        order = sorted(range(len(wishes)), key=lambda place: wishes[place][0][0].concerns.key)
        with recording_noes(self._context.engine) as (connection, binding):
            for place in order:
                noes, principal = wishes[place]
                news = [objections.suppress(connection, no, principal) for no in noes]
                recorded[place] = any(news)
        return [recorded[place] for place in range(len(wishes))], binding


def describe(app: FastAPI) -> None:
    """Say in the description what a bearer token is."""
    inner = app.openapi

    def openapi() -> dict[str, Any]:
        told = inner()
        schemes = told.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["bearer"] = {"type": "http", "scheme": "bearer"}
        return told

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual has it
