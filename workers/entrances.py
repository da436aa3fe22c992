"""The two entrances as processes: the web, and the mail listener. Both end cleanly on SIGTERM."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
import structlog
import uvicorn

from campaigns.delivery.claimed_rows import claimed_rows
from campaigns.delivery.composing import Writer
from campaigns.errors import InputError, NotFound
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenClaims
from workers import broker as queue
from workers.guarding import guard_webhook
from workers.inbound import InboundContext, start_inbound
from workers.metrics import Readiness, serve
from workers.ready import database_problems
from workers.settings import Settings
from workers.stopping import StopFlag
from workers.web.app import View, WebContext, create_app
from workers.web.endpoints import webhook_endpoint
from workers.web.pages import Pages
from workers.web.patience import PatientProtocol
from workers.wiring import Installation, submission_signing

#: How long requests in hand may take once the process is told to stop, in seconds.
_STOP_SECONDS: Final = 10
_BACKLOG: Final = 512
#: How long the loop may keep Python from the thread that commits, which asks for it after every word from the
#: database: with the usual 5 ms, a commit of six words waits 30 ms in a busy process.
_SWITCH_SECONDS: Final = 0.0005
#: How often the mail listener looks whether the register answers, in seconds.
LOOK_SECONDS: Final = 5.0

log = structlog.get_logger()


def run_web(settings: Settings, host: str, port: int) -> None:
    """Serve until told to stop.

    Raises:
        InputError, KeysFault, Unreachable: it cannot start.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    StopFlag().listen()  # uvicorn raises the signal again when it is done; ours makes that harmless
    installation = Installation(settings)
    context = WebContext(
        engine=installation.engine,
        tokens=installation.tokens,
        ring=installation.ring,
        pages=Pages(installation.brand.controller, settings.default_language),
        view=view_of(installation),
        webhooks={key: webhook_endpoint(settings, key) for key in settings.webhooks},
        public_url=settings.public_url,
        time_zone=settings.time_zone,
        signing=submission_signing(settings, installation.ring),
        submit=lambda document: _submit(settings, document),
        guard_webhook=lambda key: guard_webhook(settings, key),
        opt_in_lists=settings.opt_in.lists,
        confirming=frozenset(key for key, hook in settings.webhooks.items() if hook.confirm_subscriptions),
    )
    _warn(installation)
    listening = listening_socket(host, port)
    config = uvicorn.Config(
        create_app(context),
        http=PatientProtocol,
        ws="none",
        access_log=False,  # paths hold tokens
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    log.info("web started", host=host, port=listening.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listening])


def run_inbound(settings: Settings, host: str, port: int) -> None:
    """Listen until told to stop.

    Raises:
        InputError, KeysFault, Unreachable: it cannot start.
    """
    stop = StopFlag()
    stop.listen()
    installation = Installation(settings)
    _warn(installation)
    context = InboundContext(
        installation.engine, installation.tokens, settings.mail_domain, installation.ring
    )
    try:
        listener = start_inbound(context, host, port)
    except OSError as error:
        raise _not_listening(host, port, error) from None
    readiness = Readiness([])
    serve(settings.metrics, settings.metrics.inbound_port, readiness)
    log.info("inbound started", host=host, port=listener.port)
    while not stop.wait(LOOK_SECONDS):
        readiness.note(*database_problems(installation.engine))
    listener.stop()


def _submit(settings: Settings, document: Mapping[str, Any]) -> None:
    """Put a submission on the queue.

    Raises:
        Unreachable: the queue is away.
    """
    with queue.connected(settings) as client:
        queue.put(queue.make_broker(client), queue.SUBMISSIONS, "submit_campaign", dict(document))


def _warn(installation: Installation) -> None:
    for warning in installation.warnings:
        log.warning("look out", problem=warning)


def listening_socket(host: str, port: int) -> socket.socket:
    """Where the web takes connections, whose answers leave at once.

    Raises:
        InputError: nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise _not_listening(host, port, error) from None
    # An answer leaves as head and body: without this, which connections take over from here, the kernel holds the body
    # back until the caller's kernel has acknowledged the head, 40 ms later. asyncio says it of its own sockets only.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _not_listening(host: str, port: int, error: OSError) -> InputError:
    # asyncio wraps the system's words in its own.
    why = (
        os.strerror(error.errno)
        if error.errno is not None and error.errno > 0
        else str(error.strerror).partition(" (while")[0]
    )
    return InputError(
        f"cannot listen on {host}:{port}: {why}; choose another port or host (--port, --host; with `utskick up` "
        "--web-port, --inbound-port)"
    )


def view_of(installation: Installation) -> View:
    """The view of one delivery in the browser, rendered anew from the campaign's stored content."""

    def view(claims: TokenClaims) -> str | None:
        with reading(installation.engine) as connection:
            kept = connection.execute(_kept(claims)).one_or_none()
            if kept is None:
                return None
            rows = claimed_rows(connection, claims.campaign, {claims.number: max(kept.attempt, 1)})
        try:
            author = installation.author(kept.sender)
            letters = Writer(installation.engine, claims.campaign, author, installation.stationery)
            return letters.web_page(rows[0])
        except (InputError, NotFound, KeyError, IndexError):
            return None

    return view


def _kept(claims: TokenClaims) -> sa.Select[tuple[int, str]]:
    """The delivery that a token names, unless it or its person was forgotten."""
    delivery, campaign, contact = schema.delivery.c, schema.campaign.c, schema.contact.c
    return (
        sa.select(delivery.attempt, campaign.sender)
        .join_from(schema.delivery, schema.campaign, campaign.id == delivery.campaign_id)
        .join(schema.contact, contact.id == delivery.contact_id)
        .where(
            delivery.campaign_id == claims.campaign,
            delivery.number == claims.number,
            delivery.contact_id == claims.contact,
            contact.erased_at.is_(None),
        )
    )
