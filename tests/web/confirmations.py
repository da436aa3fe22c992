"""The mails that ask for a confirmation, sent to a server that keeps them, and the links in them."""

import quopri
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime

import sqlalchemy as sa

from campaigns.content.catalogue import templates_folder
from campaigns.delivery.composing import Author, Stationery
from campaigns.delivery.opt_in_mail import OptInDesk, Road, Roads, send_opt_in
from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import Begun
from campaigns.register import opt_ins
from campaigns.register.clearance import DeliveryRef
from campaigns.register.suppression import Gate
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.support.register import MAIL_DOMAIN, Register
from tests.support.smtp_sink import SmtpSink


def desk(register: Register, roads: Roads) -> OptInDesk:
    """What sending takes, on any road."""
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
        roads,
        author,
        stationery,
        words,
        "Timmerö Ab",
    )


def road_to(sink: SmtpSink, before_dot: Callable[[], object] = lambda: None) -> Roads:
    """A road that is always free; something may happen right before a mail is begun."""

    @contextmanager
    def road(_domain: str, begun: Begun) -> Iterator[Road | datetime]:
        def watched(delivery: DeliveryRef) -> None:
            before_dot()
            begun(delivery)

        url = parse_smarthost_url(f"smtp://127.0.0.1:{sink.port}")
        with closing(open_transport(url, ehlo_name="worker.timmero.example", begun=watched)) as transport:
            yield Road(transport, lambda _: None)

    return road


def send_all(
    register: Register, sink: SmtpSink, before_dot: Callable[[], object] = lambda: None
) -> list[str | None]:
    """Send all that is due; the statuses."""
    made = desk(register, road_to(sink, before_dot))
    return [send_opt_in(made, it) for it in opt_ins.due(register.engine)]


def forget_today(register: Register) -> None:
    """As if everything had been asked on another day."""
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.opt_in).values(day="2020-01-01"))


def link_in(content: bytes) -> str:
    """The path of the link in a mail."""
    found = re.search(r"https://post\.timmero\.example(/c/[\w-]+)", quopri.decodestring(content).decode())
    assert found is not None
    return found[1]
