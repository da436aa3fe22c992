"""The mails that ask for a confirmation, sent to a server that keeps them, and the links in them."""

import quopri
import re
import tomllib
from collections.abc import Callable

import sqlalchemy as sa

from campaigns.content.catalogue import templates_folder
from campaigns.delivery.composing import Author, Stationery
from campaigns.delivery.opt_in_mail import OptInDesk, send_opt_in
from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import Transport
from campaigns.register import opt_ins
from campaigns.register.suppression import Gate
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.support.register import MAIL_DOMAIN, Register
from tests.support.smtp_sink import SmtpSink


def desk(register: Register, transport: Callable[[], Transport]) -> OptInDesk:
    """What sending takes, over any transport."""
    folder = templates_folder() / "strings"
    words = {
        it: tomllib.loads((folder / f"{it}.toml").read_text("utf-8"))["notice"] for it in ("sv", "fi", "en")
    }
    stationery = Stationery(register.tokens, "https://post.timmero.example", MAIL_DOMAIN)
    author = Author("Från sågen", "news@timmero.example", None)
    return OptInDesk(
        register.engine,
        register.ring,
        Gate(register.engine),
        transport,
        author,
        stationery,
        words,
        "Timmerö Ab",
    )


def send_all(register: Register, sink: SmtpSink) -> list[str | None]:
    """Send all that is due; the statuses."""

    def transport() -> Transport:
        url = parse_smarthost_url(f"smtp://127.0.0.1:{sink.port}")
        return open_transport(url, ehlo_name="worker.timmero.example", begun=lambda _: None)

    return [send_opt_in(desk(register, transport), it) for it in opt_ins.due(register.engine)]


def forget_today(register: Register) -> None:
    """As if everything had been asked on another day."""
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.opt_in).values(day="2020-01-01"))


def link_in(content: bytes) -> str:
    """The path of the link in a mail."""
    found = re.search(r"https://post\.timmero\.example(/c/[\w-]+)", quopri.decodestring(content).decode())
    assert found is not None
    return found[1]
