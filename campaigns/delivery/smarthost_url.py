"""The address of a smarthost, as the settings write it.

    smtp://[user:password@]host[:587]     STARTTLS demanded, certificate and host name checked; plain only to loopback
    smtps://[user:password@]host[:465]    TLS from the first octet, checked in the same way
    lmtp://host[:24]                      like smtp://, with LHLO
    file:FOLDER                           one .eml per message
    ?tls=required                         demand STARTTLS on loopback too
    ?tls=none                             no TLS to another machine: `warning` says so
    ?cafile=FILE                          trust this certificate authority as well

Promise: what is parsed can be opened; credentials never travel without TLS, so they make it required even on loopback;
neither `repr` nor `str` shows them. Fails with `InputError`, which names the fault and never repeats the address, since
a password may stand in it. Sources: RFC 8314 3-4, RFC 3986.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from campaigns.errors import InputError

ServerScheme = Literal["smtp", "smtps", "lmtp"]
Tls = Literal["none", "starttls", "implicit"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password for AUTH; kept out of every text."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.user or "\0" in self.user + self.password:
            raise InputError("The smarthost's user name is empty, or the credentials hold a NUL.")


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A server that speaks SMTP or LMTP."""

    scheme: ServerScheme
    host: str
    port: int
    tls: Tls
    cafile: Path | None = None
    credentials: Credentials | None = None

    @property
    def is_local(self) -> bool:
        """Whether the server is this machine, so that its processor is `self`."""
        return _is_loopback(self.host)

    @property
    def warning(self) -> str | None:
        """What to tell at start-up about this smarthost, or None."""
        if self.tls != "none" or self.is_local:
            return None
        return f"Mail to {self} travels unencrypted (tls=none): anybody on the way can read and change it."

    def with_credentials(self, user: str, password: str) -> ServerUrl:
        """The same server with credentials that were kept apart from the address.

        Raises:
            InputError: this server is reached without TLS.
        """
        if self.tls == "none" and not self.is_local:
            raise InputError(_NEVER_IN_THE_CLEAR)
        tls: Tls = "starttls" if self.tls == "none" else self.tls
        return replace(self, tls=tls, credentials=Credentials(user, password))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class FolderUrl:
    """A folder that takes one file per message."""

    folder: Path

    @property
    def is_local(self) -> bool:
        """Always: the processor of a folder is `self`."""
        return True

    @property
    def warning(self) -> str | None:
        """Nothing to warn of."""
        return None

    def __str__(self) -> str:
        return f"file:{self.folder}"


SmarthostUrl = ServerUrl | FolderUrl


def parse_smarthost_url(text: str) -> SmarthostUrl:
    """Read a smarthost's address.

    Raises:
        InputError: it is none of the forms above; says what is wrong.
    """
    if any(character.isspace() or not character.isprintable() for character in text.strip()):
        raise InputError("The smarthost's address holds a space or a control character; write it as %20.")
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise InputError("The smarthost's address has a host or port that cannot be read.") from None
    if parts.scheme == "file":
        return _folder(parts)
    if parts.scheme not in _PORTS:
        raise InputError("The smarthost's address begins with none of smtp://, smtps://, lmtp://, file:")
    return _server(parts, port)


def _folder(parts: SplitResult) -> FolderUrl:
    folder = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not folder:
        raise InputError("A smarthost that is a folder is written file:FOLDER, for example file:var/outbox")
    return FolderUrl(Path(folder))


def _server(parts: SplitResult, port: int | None) -> ServerUrl:
    scheme = _scheme(parts.scheme)
    host = parts.hostname
    if not host or parts.path not in {"", "/"} or parts.fragment:
        raise InputError(
            f"The smarthost's address is written {scheme}://host:port, with nothing after the port."
        )
    if port == 0:
        raise InputError("The smarthost's port cannot be 0.")
    options = _options(parts.query)
    cafile = Path(options["cafile"]) if "cafile" in options else None
    credentials = _credentials(parts)
    tls = _tls(scheme, host, options.get("tls"), demanded=credentials is not None or cafile is not None)
    return ServerUrl(scheme, _a_label(host), port or _PORTS[scheme], tls, cafile, credentials)


def _scheme(text: str) -> ServerScheme:
    return "smtps" if text == "smtps" else "lmtp" if text == "lmtp" else "smtp"


def _options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs) or not options.keys() <= {"tls", "cafile"} or not all(options.values()):
        raise InputError("A smarthost's address takes ?tls=required, ?tls=none and ?cafile=FILE, each once.")
    return options


def _tls(scheme: ServerScheme, host: str, option: str | None, *, demanded: bool) -> Tls:
    if option not in {None, "required", "none"}:
        raise InputError("?tls= of a smarthost's address is required or none.")
    if option == "none" and (demanded or scheme == "smtps"):
        raise InputError(_NEVER_IN_THE_CLEAR if demanded else "smtps:// and ?tls=none contradict each other.")
    if scheme == "smtps":
        return "implicit"
    if option == "none" or (option is None and not demanded and _is_loopback(host)):
        return "none"
    return "starttls"


def _credentials(parts: SplitResult) -> Credentials | None:
    if parts.username is None and parts.password is None:
        return None
    if not parts.username or parts.password is None:
        raise InputError("A smarthost's address has both user name and password, or neither.")
    return Credentials(unquote(parts.username), unquote(parts.password))


def _a_label(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise InputError("The smarthost's host name is no domain name.") from None


def _is_loopback(host: str) -> bool:
    if host.rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


_PORTS: Final[dict[str, int]] = {"smtp": 587, "smtps": 465, "lmtp": 24}
_NEVER_IN_THE_CLEAR: Final = (
    "With tls=none neither user name, password nor a certificate authority can be used: "
    "nothing secret is sent without TLS. Take ?tls=none away."
)
