"""Request bodies: how much of them is read, how long we wait for them, and the fields of a form.

Promise: never more than the limit is held in memory, and a caller who sends nothing does not hold a
connection for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

#: How long the whole body may take, in seconds.
PATIENCE_SECONDS: Final = 20
FORM_OCTETS: Final = 20_000
FORM_FIELDS: Final = 450


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        HTTPException: 413 for more than `limit` octets, 408 for a body that does not come.
    """
    too_large = HTTPException(413, f"the body is larger than {limit} octets", {"Connection": "close"})
    said = request.headers.get("content-length", "0")
    if said.isdigit() and int(said[:15]) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, "the body did not come", {"Connection": "close"}) from None
    return bytes(body)


async def read_form(request: Request) -> dict[str, str]:
    """The plain fields of a form, urlencoded or multipart; none of a body that is no form, since any body
    may come.

    Raises:
        HTTPException: as `read_body`.
    """
    body = await read_body(request, FORM_OCTETS)

    async def once() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, once).form(max_files=5, max_fields=FORM_FIELDS)
    except Exception:  # noqa: BLE001 (whatever the body is, the link alone says what is wanted)
        return {}
    return {name: value for name, value in form.items() if isinstance(value, str)}
