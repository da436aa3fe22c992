"""Webhooks: `POST /hooks/generic/{endpoint}`.

Promise: 401 for anything that is not signed by the endpoint, 400 with the place of what cannot be read,
413 for bodies that are too large, 503 while the database is away, and 200 only after everything is
durable and binding. The same id again is 200 and changes nothing. What an event is about is believed on a
token of ours only, whoever signed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import Counter
from starlette.responses import JSONResponse

from campaigns.clock import utc_now
from campaigns.errors import FaultyInput, InputError, KeysFault
from campaigns.feedback.apply import apply_all
from campaigns.feedback.event import FeedbackEvent
from campaigns.feedback.ingest import message_id_claims, return_path_claims
from campaigns.feedback.providers.generic import BadSignature, ReportedEvent, read_body, read_secret, verify
from campaigns.principal import Principal
from campaigns.tokens import TokenMaker
from workers.web.context import WebContext

BODY_OCTETS: Final = 1_000_000
HOOK_DESCRIPTION: Final[dict[str, Any]] = {
    "summary": "Report what happened to messages",
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
_EVENTS: Final = Counter("utskick_webhook_events", "Events taken from webhooks", ["endpoint", "consequence"])
_UNSIGNED: Final = Counter("utskick_webhook_unsigned", "Webhook requests that were not signed")


def take_generic(
    context: WebContext, endpoint: str, request: tuple[Mapping[str, str], bytes]
) -> JSONResponse:
    """Answer one request (headers in lower case, body).

    Raises:
        Unreachable: the database is away; nothing may be answered but "try again".
    """
    headers, body = request
    try:
        event_id = verify(context.webhooks.get(endpoint, ()), headers, body, utc_now())
        readable = read_body(body)
    except BadSignature:
        _UNSIGNED.inc()
        return JSONResponse({"error": "the request is not signed by this endpoint"}, 401)
    except FaultyInput as error:
        faults = [{"where": fault.where, "problem": fault.problem} for fault in error.faults]
        return JSONResponse({"error": "the body cannot be read", "faults": faults}, 400)
    events = [_event(context.tokens, endpoint, event_id, item) for item in readable.events]
    for consequence in apply_all(context.engine, events, Principal(f"service:webhook-{endpoint}")):
        _EVENTS.labels(endpoint, consequence).inc()
    refused = [{"index": index, "problem": problem} for index, problem in readable.faults]
    return JSONResponse({"accepted": len(events), "refused": refused})


def _event(tokens: TokenMaker, endpoint: str, request_id: str, item: ReportedEvent) -> FeedbackEvent:
    """A provider's own id of an event counts before its place in a request: the same event may come in
    another one."""
    claims = message_id_claims(tokens, item.message_id) or return_path_claims(tokens, item.reference)
    event_id = f"event {item.own_id}" if item.own_id else f"{request_id}:{item.index}"
    return FeedbackEvent(
        f"webhook:{endpoint}", event_id, item.kind, claims, item.status, item.diagnostic, item.occurred_at
    )


def secrets_of(lines: str) -> list[str]:
    """The secrets of an endpoint: one a line, the newest first.

    Raises:
        KeysFault: a line is no secret.
    """
    found = [line for line in map(str.strip, lines.splitlines()) if line]
    for number, line in enumerate(found, 1):
        try:
            read_secret(line)
        except InputError as error:
            raise KeysFault(f"secret {number} of a webhook cannot be used: {error}") from None
    return found
