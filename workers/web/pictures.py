"""`/a/{hash}.{extension}`: pictures of messages, pictures and style sheet of our own pages.

Promise: the same URL for everybody, content that never changes under it, and no note of who asked. What is
stored is served as a picture or as octets, never as something that a browser would run.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from campaigns.errors import NotFound
from campaigns.store import schema
from campaigns.store.engine import reading
from workers.web.context import WebContext
from workers.web.pages import PageFile

_NAME: Final = re.compile(r"([0-9a-f]{16,64})\.([a-z0-9]{1,8})")
_SHOWN: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/css; charset=utf-8"}
)
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


class Pictures:
    """The handler; keeps the pictures that were asked for last."""

    def __init__(self, context: WebContext) -> None:
        self._engine, self._own = context.engine, context.pages.files
        self._kept = lru_cache(maxsize=32)(self._stored)

    async def serve(self, request: Request) -> Response:
        """One picture, or 304 for a caller who has it."""
        name = request.path_params["name"]
        try:
            file = self._own[name] if name in self._own else await run_in_threadpool(self._kept, name)
        except NotFound:
            return Response("no such picture\n", 404, media_type="text/plain")
        headers = {**_HEADERS, "ETag": f'"{name}"'}
        if f'"{name}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        media_type = file.media_type if file.media_type in _SHOWN else "application/octet-stream"
        return Response(file.content, headers=headers, media_type=media_type)

    def _stored(self, name: str) -> PageFile:
        """A picture of a message; raises what is not found, so that only finds are kept."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise NotFound
        table = schema.asset.c
        statement = sa.select(table.media_type, table.content).where(
            table.hash == found[1], table.extension == found[2]
        )
        with reading(self._engine) as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise NotFound
        return PageFile(row.media_type, bytes(row.content))
