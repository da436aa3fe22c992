"""The ways to hand over, each as a case that the conformance tests can drive.

A new transport joins by a class with the four members of `TransportCase` and a line in `CASES`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import Begun, Timeouts, Transport
from tests.support.certificates import make_authority
from tests.support.smtp_sink import Script, SmtpSink


class TransportCase(Protocol):
    """One transport with what it hands over to."""

    @property
    def copies_of_a_repeat(self) -> int:
        """How many copies there are when one delivery is handed over twice (the ledger's task is not to do so)."""
        ...

    def open(self, begun: Begun) -> Transport:
        """A new transport to this case's destination."""
        ...

    def arrived(self) -> list[bytes]:
        """What is complete at the destination at this moment, in order."""
        ...

    def delivered(self) -> list[bytes]:
        """What is complete when all is over; call it after the transports are closed."""
        ...


@dataclass
class SmtpCase:
    """A server on a real socket."""

    sink: SmtpSink
    url: str
    copies_of_a_repeat: int = 2

    def open(self, begun: Begun) -> Transport:
        return open_transport(
            parse_smarthost_url(self.url),
            ehlo_name="utskick.example",
            begun=begun,
            timeouts=Timeouts(connect=10),
        )

    def arrived(self) -> list[bytes]:
        return [message.content for message in self.sink.messages]

    def delivered(self) -> list[bytes]:
        for session in range(len(self.sink.sessions)):
            self.sink.wait_until("quit", session)
        return self.arrived()


@dataclass
class FileCase:
    """A folder."""

    folder: Path
    copies_of_a_repeat: int = 1

    def open(self, begun: Begun) -> Transport:
        return open_transport(
            parse_smarthost_url(f"file:{self.folder}"), ehlo_name="utskick.example", begun=begun
        )

    def arrived(self) -> list[bytes]:
        files = sorted(self.folder.glob("*.eml"), key=lambda file: (len(file.name), file.name))
        return [file.read_bytes() for file in files]

    def delivered(self) -> list[bytes]:
        left_over = [file.name for file in self.folder.glob("*") if file.suffix != ".eml"]
        assert not left_over, "something unfinished lies in the folder"
        return self.arrived()


@contextmanager
def _plain(_: Path) -> Iterator[TransportCase]:
    with SmtpSink() as sink:
        yield SmtpCase(sink, f"smtp://127.0.0.1:{sink.port}")


@contextmanager
def _lock_step(_: Path) -> Iterator[TransportCase]:
    with SmtpSink(Script(pipelining=False)) as sink:
        yield SmtpCase(sink, f"smtp://127.0.0.1:{sink.port}")


@contextmanager
def _starttls(folder: Path) -> Iterator[TransportCase]:
    authority = make_authority(folder)
    with SmtpSink(
        Script(starttls=authority.server_context("localhost"), auth={"utskick": "hemligt"})
    ) as sink:
        yield SmtpCase(sink, f"smtp://utskick:hemligt@localhost:{sink.port}?cafile={authority.cafile}")


@contextmanager
def _smtps(folder: Path) -> Iterator[TransportCase]:
    authority = make_authority(folder)
    with SmtpSink(Script(implicit=authority.server_context("127.0.0.1"))) as sink:
        yield SmtpCase(sink, f"smtps://127.0.0.1:{sink.port}?cafile={authority.cafile}")


@contextmanager
def _lmtp(_: Path) -> Iterator[TransportCase]:
    with SmtpSink(Script(lmtp=True)) as sink:
        yield SmtpCase(sink, f"lmtp://127.0.0.1:{sink.port}")


@contextmanager
def _file(folder: Path) -> Iterator[TransportCase]:
    yield FileCase(folder / "outbox")


CaseMaker = Callable[[Path], AbstractContextManager[TransportCase]]

CASES: dict[str, CaseMaker] = {
    "smtp": _plain,
    "smtp lock-step": _lock_step,
    "smtp starttls": _starttls,
    "smtps": _smtps,
    "lmtp": _lmtp,
    "file": _file,
}
