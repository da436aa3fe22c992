"""From [dkim.KEY] in the settings to what signs. Loaded only where something is signed."""

from __future__ import annotations

from campaigns.delivery.dkim import Signer
from campaigns.errors import NotFound, RefusedOperation
from workers.settings import Settings

try:
    from campaigns.delivery.dkim_keys import Identity, read_keys
except ImportError as error:  # pragma: no cover (needs an installation without the extra)
    raise RefusedOperation(f"signing needs the extra `dkim` ({error}); install utskick[dkim]") from None


def identity(settings: Settings, key: str) -> Identity:
    """The identity that [dkim.KEY] declares.

    Raises:
        NotFound: there is no such table.
    """
    table = settings.dkim.get(key)
    if table is None:
        raise NotFound(f"there is no [dkim.{key}] in the settings; declare domain and selector first")
    return Identity(key, table.domain, table.selector, table.ed25519_selector)


def read_signer(settings: Settings, key: str) -> Signer:
    """What signs for [dkim.KEY].

    Raises:
        KeysFault: a key is missing, malformed, too weak or open to others.
    """
    return Signer(read_keys(settings.secrets_dir, identity(settings, key)))
