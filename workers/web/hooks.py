"""Webhooks: `POST /hooks/{provider}/{endpoint}`.

Promise: 401 for anything that is not proved to come from the endpoint's provider, one answer whatever is
wrong with it; 415 and 413 for bodies that no provider sends; 400 with the place of what cannot be read; 503
while the database is away; 200 only after everything is durable and binding. What is known and not wanted is
200, what came before is 200 and changes nothing. What an event is about is believed on a token of ours only,
whoever signed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import structlog
from fastapi.concurrency import run_in_threadpool
from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from campaigns.clock import utc_now
from campaigns.errors import FaultyInput, GuardRefused
from campaigns.feedback.apply import Report, apply_reports, may_be_a_no
from campaigns.feedback.event import FeedbackEvent
from campaigns.feedback.ingest import message_id_claims, return_path_claims
from campaigns.feedback.providers.base import (
    Arrival,
    Endpoint,
    NotAuthentic,
    Provider,
    Readable,
    ReportedEvent,
)
from campaigns.feedback.providers.directory import PROVIDERS
from campaigns.feedback.providers.ses import CertificateWanted, confirmation_url
from campaigns.principal import Level, Principal
from campaigns.register.permit import Binding
from campaigns.tokens import TokenClaims, TokenMaker
from workers.shared_commits import SharedCommit
from workers.web.bodies import read_body
from workers.web.context import WebContext

HOOK_DESCRIPTION: Final[dict[str, Any]] = {
    "summary": "Report what happened to messages",
    "description": "The body and its proof are those of the provider; shown here is the provider `generic`.",
    "parameters": [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("provider", "endpoint")
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": 'One event, or {"events": [...]} with many.',
                    "properties": {
                        "type": {"enum": ["bounce", "complaint", "unsubscribe", "delivered", "delayed"]},
                        "class": {"enum": ["hard", "soft", "policy", "full", "other"]},
                        "message_id": {"type": "string"},
                        "reference": {"type": "string"},
                        "status": {"type": "string"},
                        "diagnostic": {"type": "string"},
                        "occurred_at": {"type": "string", "format": "date-time"},
                        "id": {"type": "string"},
                    },
                }
            }
        },
    },
}
HOOK_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "the body cannot be read; says where"},
    401: {"description": "not proved to come from this endpoint's provider, or too old"},
    413: {"description": "the body is too large"},
    415: {"description": "the provider does not send bodies of this type"},
    503: {"description": "not now; try again"},
}
#: Bodies above it are checked and read in a thread, so that they hold nobody else up.
_SMALL_OCTETS: Final = 50_000
_NOBODY: Final = Endpoint("")

log = structlog.get_logger()
_EVENTS: Final = Counter("utskick_webhook_events", "Events taken from webhooks", ["endpoint", "consequence"])
_REFUSED: Final = Counter("utskick_webhook_refused", "Webhook requests refused", ["provider", "why"])


class Hooks:
    """Takes what providers report."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._commits = SharedCommit(self._commit, "webhooks")

    async def take(self, request: Request) -> Response:
        """News from a provider."""
        provider, endpoint = request.path_params["provider"], request.path_params["endpoint"]
        known = PROVIDERS.get(provider, PROVIDERS["generic"])
        body = await read_body(request, known.body_octets)
        told = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if told and told not in known.content_types:
            return JSONResponse({"error": f"{known.name} sends no bodies of this type"}, 415)
        found = self._context.webhooks.get(endpoint, _NOBODY)
        believed = found if found.provider == provider else _NOBODY
        try:
            arrival, readable = await self._read(known, believed, _arrival(request, body, self._context))
        except NotAuthentic as error:
            _REFUSED.labels(known.name, error.why).inc()
            return JSONResponse({"error": "the request is not signed by this endpoint"}, 401)
        except FaultyInput as error:
            _REFUSED.labels(known.name, "unreadable").inc()
            faults = [{"where": fault.where, "problem": fault.problem} for fault in error.faults]
            return JSONResponse({"error": "the body cannot be read", "faults": faults}, 400)
        try:
            self._context.guard_webhook(endpoint)
        except GuardRefused as error:  # kept by the provider, which tries again, until somebody has decided
            log.warning("webhook source forbidden", webhook=endpoint, problem=str(error))
            _REFUSED.labels(known.name, "processor").inc()
            return JSONResponse({"error": "this source may not be used at present"}, 503)
        await self._record(endpoint, readable)
        if known.name == "ses":
            await self._confirm(endpoint, arrival)
        refused = [{"index": index, "problem": problem} for index, problem in readable.faults]
        return JSONResponse(
            {"accepted": len(readable.events), "ignored": readable.ignored, "refused": refused}
        )

    async def _read(
        self, provider: Provider, endpoint: Endpoint, arrival: Arrival
    ) -> tuple[Arrival, Readable]:
        """Check a request and read it; what a check still needs from Amazon is fetched once."""

        def work() -> Readable:
            provider.verify(replace(endpoint, certificates=self._context.certificates.known), arrival)
            return provider.read(arrival)

        small = len(arrival.body) <= _SMALL_OCTETS
        try:
            return arrival, work() if small else await run_in_threadpool(work)
        except CertificateWanted as wanted:
            await run_in_threadpool(self._context.certificates.learn, wanted.url)
        return arrival, await run_in_threadpool(work)

    async def _record(self, endpoint: str, readable: Readable) -> None:
        events = [_event(self._context.tokens, endpoint, item) for item in readable.events]
        if not events:
            return
        report = (events, Principal(f"service:webhook-{endpoint}", Level.REPORTER))
        words = await self._commits.hand_in(report, binds=may_be_a_no(events), weight=len(events))
        for word in words:
            _EVENTS.labels(endpoint, word).inc()

    def _commit(self, reports: Sequence[Report]) -> tuple[Sequence[list[str]], Binding]:
        outcome = apply_reports(self._context.engine, reports)
        return outcome.consequences, outcome.binding

    async def _confirm(self, endpoint: str, arrival: Arrival) -> None:
        """Confirm a subscription where the settings ask for that; else the kept event says how to."""
        url = confirmation_url(arrival)
        if url is None:
            return
        if endpoint not in self._context.confirming:
            log.warning("subscription waits to be confirmed", webhook=endpoint)
            return
        await run_in_threadpool(self._context.certificates.call, url)
        log.info("subscription confirmed", webhook=endpoint)


def _arrival(request: Request, body: bytes, context: WebContext) -> Arrival:
    """The request as the provider sees it: under our public URL, whatever stands in between."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    url = f"{context.public_url}{path}"
    caller = request.client.host if request.client else ""
    return Arrival(dict(request.headers), body, caller, url, utc_now())


def _event(tokens: TokenMaker, endpoint: str, item: ReportedEvent) -> FeedbackEvent:
    claims = next(filter(None, (_claims(tokens, text) for text in item.references if text)), None)
    return FeedbackEvent(
        f"webhook:{endpoint}",
        item.event_id,
        item.kind,
        claims,
        item.status,
        item.diagnostic,
        item.occurred_at,
        item.named,
        item.raw,
    )


def _claims(tokens: TokenMaker, text: str) -> TokenClaims | None:
    return message_id_claims(tokens, text) or return_path_claims(tokens, text)
