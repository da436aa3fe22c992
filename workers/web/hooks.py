"""Webhooks: `POST /hooks/generic/{endpoint}`.

Promise: 401 for anything that is not signed by the endpoint, 400 with the place of what cannot be read, 413
for bodies that are too large, 503 while the database is away, and 200 only after everything is durable and
binding. The same id again is 200 and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from starlette.responses import JSONResponse

from campaigns.clock import utc_now
from campaigns.errors import FaultyInput, Unreachable
from campaigns.feedback.apply import apply
from campaigns.feedback.event import FeedbackEvent
from campaigns.feedback.ingest import message_id_claims
from campaigns.feedback.providers.generic import BadSignature, GenericEvent, read_body, verify
from campaigns.principal import Principal
from campaigns.tokens import TokenMaker

BODY_OCTETS: Final = 1_000_000


def take_generic(
    engine: sa.Engine,
    tokens: TokenMaker,
    endpoint: str,
    secrets: Sequence[str],
    request: tuple[Mapping[str, str], bytes],
) -> JSONResponse:
    """Answer one request (headers in lower case, body)."""
    headers, body = request
    if len(body) > BODY_OCTETS:
        return JSONResponse({"error": f"the body is larger than {BODY_OCTETS} octets"}, 413)
    try:
        event_id = verify(secrets, headers, body, utc_now())
        readable = read_body(body)
    except BadSignature:
        return JSONResponse({"error": "the request is not signed by this endpoint"}, 401)
    except FaultyInput as error:
        faults = [{"where": fault.where, "problem": fault.problem} for fault in error.faults]
        return JSONResponse({"error": "the body cannot be read", "faults": faults}, 400)
    principal = Principal(f"service:webhook-{endpoint}")
    try:
        for index, item in readable.events:
            apply(engine, _event(tokens, f"webhook:{endpoint}", f"{event_id}:{index}", item), principal)
    except Unreachable:
        return JSONResponse({"error": "try again later"}, 503, {"Retry-After": "30"})
    refused = [{"index": index, "problem": problem} for index, problem in readable.faults]
    return JSONResponse({"accepted": len(readable.events), "refused": refused})


def _event(tokens: TokenMaker, source: str, event_id: str, item: GenericEvent) -> FeedbackEvent:
    claims = message_id_claims(tokens, item.message_id)
    return FeedbackEvent(source, event_id, item.kind, claims, item.status, item.diagnostic, item.occurred_at)


def secrets_of(lines: str) -> list[str]:
    """The secrets of an endpoint: one a line, the newest first."""
    found: Any = (line.strip() for line in lines.splitlines())
    return [line for line in found if line]
