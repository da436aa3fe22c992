"""What a webhook endpoint believes, from the settings and from its file of secrets.

Promise: nothing starts with a key that cannot be used, or with a file that others can read; an endpoint that
has no key yet refuses everything, and says so in the log. Fails with `KeysFault`.
"""

from __future__ import annotations

import stat
from pathlib import Path

import structlog

from campaigns.errors import KeysFault
from campaigns.feedback.providers.base import Endpoint
from campaigns.feedback.providers.directory import PROVIDERS
from workers.settings import Settings

log = structlog.get_logger()


def webhook_endpoint(settings: Settings, key: str) -> Endpoint:
    """The endpoint that `[webhooks.KEY]` and `webhook-KEY.secret` describe.

    Raises:
        KeysFault: its secrets can be read by others, or a key cannot be used.
    """
    hook = settings.webhooks[key]
    secrets = secret_lines(settings.secrets_dir / f"webhook-{key}.secret")
    endpoint = Endpoint(
        hook.provider, tuple(secrets), hook.public_keys, hook.topics, tuple(hook.source_ranges)
    )
    provider = PROVIDERS[hook.provider]
    problems = provider.check(endpoint)
    if problems:
        raise KeysFault("\n".join(f"webhooks.{key}: {problem}" for problem in problems))
    needed = {"secret": secrets, "public key": hook.public_keys, "topic": hook.topics}
    if not needed[provider.proof]:
        log.warning("webhook has no key and refuses everything", webhook=key, needs=provider.proof)
    return endpoint


def secret_lines(path: Path) -> list[str]:
    """The lines of a file of secrets, the newest first; none where there is no file.

    Raises:
        KeysFault: the file can be read by others.
    """
    if not path.exists():
        return []
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeysFault(f"{path} can be read by others; run: chmod 600 {path}")
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    return [line for line in map(str.strip, lines) if line]
