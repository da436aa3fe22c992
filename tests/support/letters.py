"""Letters for tests of transports, all different and none to a real person."""

from campaigns.delivery.transport import Envelope, Letter, checked_letter
from campaigns.register.clearance import DeliveryRef


def make_letter(number: int, recipient: str | None = None, *, octets: int = 600, campaign: int = 7) -> Letter:
    """A clean letter of about so many octets whose Message-ID names its delivery."""
    delivery = DeliveryRef(campaign, number)
    to = recipient or f"kund{number}@mottagare.example"
    head = (
        f"Message-ID: <{delivery}@utskick.example>\r\nFrom: Utskick <nyheter@utskick.example>\r\n"
        f"Subject: Nyhetsbrev {number}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    line = f"Rad till mottagare {number}. Pris 12.50 =C3=A4 ... slut.\r\n"
    content = head + line * max(1, (octets - len(head)) // len(line))
    return checked_letter(
        delivery, Envelope(f"retur+{delivery}@utskick.example", to), content.encode("ascii")
    )


def message_id(letter: Letter) -> str:
    """The Message-ID that `make_letter` gave."""
    return f"<{letter.delivery}@utskick.example>"
