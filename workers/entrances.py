"""The two entrances as processes: the web, and the mail listener. Both end cleanly on SIGTERM."""

from __future__ import annotations

import stat

import structlog
import uvicorn

from campaigns.delivery.claimed_rows import claimed_rows
from campaigns.delivery.composing import Writer
from campaigns.errors import InputError, KeysFault, NotFound
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenClaims
from workers.inbound import InboundContext, start_inbound
from workers.settings import Settings
from workers.stopping import StopFlag
from workers.web.app import View, WebContext, create_app
from workers.web.hooks import secrets_of
from workers.web.pages import Pages
from workers.wiring import Installation

log = structlog.get_logger()


def run_web(settings: Settings, host: str, port: int) -> None:
    """Serve until told to stop.

    Raises:
        KeysFault, Unreachable: it cannot start.
    """
    StopFlag().listen()  # uvicorn raises the signal again when it is done; ours makes that harmless
    installation = Installation(settings)
    context = WebContext(
        engine=installation.engine,
        tokens=installation.tokens,
        pages=Pages(installation.brand.controller, settings.default_language),
        view=view_of(installation),
        webhooks={key: webhook_secrets(settings, key) for key in settings.webhooks},
        public_url=settings.public_url,
        time_zone=settings.time_zone,
    )
    log.info("web started", host=host, port=port)
    uvicorn.Server(
        uvicorn.Config(
            create_app(context),
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            server_header=False,
        )
    ).run()


def run_inbound(settings: Settings, host: str, port: int) -> None:
    """Listen until told to stop.

    Raises:
        KeysFault, Unreachable: it cannot start.
    """
    stop = StopFlag()
    stop.listen()
    installation = Installation(settings)
    context = InboundContext(installation.engine, installation.tokens, settings.mail_domain)
    try:
        controller = start_inbound(context, host, port)
    except OSError as error:
        raise InputError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    log.info("inbound started", host=host, port=port)
    stop.wait()
    controller.stop()


def view_of(installation: Installation) -> View:
    """The view of one delivery in the browser, rendered anew from the campaign's stored content."""

    def view(claims: TokenClaims) -> str | None:
        row_of, campaign = schema.delivery.c, schema.campaign.c
        with reading(installation.engine) as connection:
            sender = connection.execute(
                schema.campaign.select().where(campaign.id == claims.campaign)
            ).one_or_none()
            attempt = connection.execute(
                schema.delivery.select().where(
                    row_of.campaign_id == claims.campaign,
                    row_of.number == claims.number,
                    row_of.contact_id == claims.contact,
                )
            ).one_or_none()
            if sender is None or attempt is None:
                return None
            rows = claimed_rows(connection, claims.campaign, {claims.number: max(attempt.attempt, 1)})
        try:
            author = installation.author(sender.sender)
            return Writer(installation.engine, claims.campaign, author, installation.stationery).web_page(
                rows[0]
            )
        except (InputError, NotFound, KeyError, IndexError):
            return None

    return view


def webhook_secrets(settings: Settings, key: str) -> list[str]:
    """The secrets of an endpoint; none where it has no file yet, so that it refuses everything.

    Raises:
        KeysFault: the file can be read by others.
    """
    path = settings.secrets_dir / f"webhook-{key}.secret"
    if not path.exists():
        log.warning("webhook has no secret and refuses everything", webhook=key, file=str(path))
        return []
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeysFault(f"{path} can be read by others; run: chmod 600 {path}")
    return secrets_of(path.read_text(encoding="ascii"))
