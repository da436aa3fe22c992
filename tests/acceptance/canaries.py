"""People each of whom can be told from all others wherever a trace of them turns up."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import redis

from tests.support.smtp_sink import Received

LANGUAGES = ("sv", "fi", "en", "")
HEADS = [
    "company",
    "first_name",
    "last_name",
    "position",
    "email",
    "language",
    "street",
    "postal_code",
    "city",
    "country",
]
_MARK = re.compile(r"[kK]anari(\d{5})[xX]")


@dataclass(frozen=True)
class Person:
    """One contact: its mark stands in its name, its address and its street."""

    number: int

    @property
    def address(self) -> str:
        """Where mail goes; some domains are international."""
        domain = "xn--fretag-wxa.example" if self.number % 7 == 0 else f"kund{self.number % 5}.example"
        return f"kanari{self.number:05d}x@{domain}"

    @property
    def row(self) -> list[str]:
        """The row of the import file."""
        mark = f"Kanari{self.number:05d}x"
        company = f"Företag {self.number % 20} Ab"
        return [
            company,
            "Åsa",
            f"O'{mark}=.",
            "Köpare",
            self.address,
            LANGUAGES[self.number % 4],
            f"{mark}vägen 1",
            "00100",
            "Helsingfors",
            "FI",
        ]


def write_people(path: Path, count: int) -> list[Person]:
    """Write an import file of so many people."""
    people = [Person(number) for number in range(1, count + 1)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        writer.writerows(person.row for person in people)
    return people


def marks_in(text: str) -> set[int]:
    """Whose marks stand in a text."""
    return {int(found) for found in _MARK.findall(text)}


def marks_of(message: Received) -> set[int]:
    """Whose marks stand anywhere in a message, its encoded parts and headers included."""
    parsed = message_from_bytes(message.content, policy=policy.default)
    texts = [part.get_content() for part in parsed.walk() if part.get_content_maintype() == "text"]
    headers = [f"{name}: {value}" for name, value in parsed.items()]
    return marks_in("\n".join([message.sender, message.recipient, *headers, *texts]))


def addresses_in(message: Received) -> list[str]:
    """The addressees that the message's headers name."""
    parsed = message_from_bytes(message.content, policy=policy.default)
    fields = [parsed[name] for name in ("To", "Cc", "Bcc") if parsed[name] is not None]
    return [address.addr_spec for field in fields for address in field.addresses]


def dumped(client: redis.Redis) -> bytes:
    """Everything that a queue's server holds, every key with its value."""
    keys: Iterable[bytes] = client.scan_iter()
    return b"\n".join(key + b" " + (client.dump(key) or b"") for key in keys)
