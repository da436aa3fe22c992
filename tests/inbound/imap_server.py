"""A real IMAP server on loopback, with one account."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from imap_tools import BaseMailBox, MailBoxUnencrypted

from tests.support.processes import start_tied, stop, wait_until

USER, PASSWORD = "bounces@timmero.example", "a-made-up-password"


@dataclass(frozen=True)
class ImapServer:
    """The server, and what lies in the account's folders."""

    port: int

    @property
    def url(self) -> str:
        """The mailbox as the settings name it."""
        return f"imap://{USER.replace('@', '%40')}@127.0.0.1:{self.port}/INBOX"

    @contextmanager
    def opened(self, folder: str = "INBOX") -> Iterator[BaseMailBox]:
        """A connection of our own."""
        box = MailBoxUnencrypted("127.0.0.1", self.port, timeout=30)
        box.login(USER, PASSWORD, initial_folder=folder)
        try:
            yield box
        finally:
            box.logout()

    def deliver(self, *messages: bytes) -> None:
        """Put messages into the inbox."""
        with self.opened() as box:
            for message in messages:
                box.append(message, "INBOX")

    def count(self, folder: str = "INBOX") -> int:
        """How many messages lie in a folder."""
        with self.opened(folder) as box:
            return len(box.uids("ALL"))


@contextmanager
def imap_server(folder: Path) -> Iterator[ImapServer]:
    """A fresh server; everything in it is gone at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    services = [part for name in ("admin", "managesieve") for part in ("--no-service", name)]
    account = ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    program = Path(sys.executable).with_name("pymap")
    command = [str(program), "--host", "127.0.0.1", "--port", str(port), *services, "--no-tls", *account]
    log = folder / "imap.log"
    child = start_tied(command, log)
    try:
        wait_until(lambda: _answers(port), child, log)
        yield ImapServer(port)
    finally:
        stop(child, SIGTERM)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(100).startswith(b"* OK")
    except OSError:
        return False
