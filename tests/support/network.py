"""A closed network: in the test process nothing connects, looks up or sends beyond this machine.

Held by Python's audit events, so that it binds every library that uses the socket module. Child processes are not
covered; they are our own programs, which the tests point at loopback.
"""

import ipaddress
import sys
from typing import Any

LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", ""})


class OutsideTouchedError(RuntimeError):
    """A test tried to reach beyond loopback."""


def close_network() -> None:
    """Install the guard for the rest of this process."""
    sys.addaudithook(_guard)


def is_local(host: object) -> bool:
    """Whether this host, as a name or an address, is this machine."""
    if host is None:
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text.lower().rstrip(".") in LOCAL_NAMES or text.lower().endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _guard(event: str, args: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        target = args[1]
        host = target[0] if isinstance(target, tuple) else None
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if not is_local(host):
        raise OutsideTouchedError(f"{event} to {host!r}: tests stay on this machine")
