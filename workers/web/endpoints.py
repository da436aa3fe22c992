"""What a webhook endpoint believes, from the settings and from its file of secrets.

Promise: nothing starts with a key that cannot be used, or with a file that others can read; an endpoint that
has no key yet refuses everything, and says so in the log. Fails with `KeysFault`.
"""

from __future__ import annotations

import structlog

from campaigns.errors import KeysFault
from campaigns.feedback.providers.base import Endpoint
from campaigns.feedback.providers.directory import PROVIDERS
from workers.secret_files import secret_lines
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
