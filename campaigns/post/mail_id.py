"""The code printed above the name, by which a returned magazine finds its delivery again.

Six random characters and an ISO 7064 MOD 37,36 check character. None of them is I, O, 0 or 1, which hands and
scanners confuse. The check character catches every single wrong character. Of swaps of two neighbours the standard
misses some few, so a code that such a swap would turn into another good code is never drawn.

The code says nothing about its receiver: whoever reads it on a cover learns the edition at most. Chance comes from
the caller; that a code is used once only is the ledger's to see to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from campaigns.errors import InputError

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

#: Random characters of a mail id; the check character comes on top.
DRAWN: Final = 6

#: Characters that key and edition may take of the printed form, so that the whole stays within 30.
KEY_ROOM: Final = 9
EDITION_ROOM: Final = 12


def check_character(text: str) -> str:
    """The MOD 37,36 check character of `text` (digits and capitals A–Z), ISO 7064 hybrid system.

    Raises:
        ValueError: a character is neither a digit nor A–Z.
    """
    product = 36
    for character in text:
        total = (product + _VALUES.index(character)) % 36 or 36
        product = total * 2 % 37
    return _VALUES[(1 - product) % 36]


def draw(choose: Callable[[str], str]) -> str:
    """A fresh mail id of seven characters.

    `choose` picks one character of a text by chance: `secrets.choice`, or the `choice` of a `Random`.
    """
    while True:
        body = "".join(choose(ALPHABET) for _ in range(DRAWN))
        mail_id = body + check_character(body)
        if is_valid(mail_id) and not any(is_valid(swapped) for swapped in _swaps(mail_id)):
            return mail_id


def printed(key: str, edition: str, mail_id: str) -> str:
    """The form on the cover, `<KEY><edition>:<id>` as in `AM26-3:K7Q2X93`, at most 29 characters.

    Key and edition are folded to capitals, digits and hyphens and shortened: they help the eye, the id identifies.

    Raises:
        InputError: nothing printable is left of the key, or `mail_id` is not one.
    """
    head = _folded(key)[:KEY_ROOM].strip("-")
    if not head:
        raise InputError("campaign.key: no letter or digit of it can be printed; use A–Z and 0–9")
    if not is_valid(mail_id):
        raise InputError("mail_id: not a mail id, or its check character is wrong")
    return f"{head}{_folded(edition)[:EDITION_ROOM].strip('-')}:{mail_id}"


def is_valid(text: str) -> bool:
    """Whether `text` is a mail id with a right check character, bare or in its printed form."""
    if not _FORM.fullmatch(text):
        return False
    bare = text[-DRAWN - 1 :]
    return check_character(bare[:-1]) == bare[-1]


def _swaps(mail_id: str) -> Iterator[str]:
    """What `mail_id` becomes when two different neighbours change places."""
    for at, (left, right) in enumerate(pairwise(mail_id)):
        if left != right:
            yield mail_id[:at] + right + left + mail_id[at + 2 :]


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").upper()
    return re.sub(r"[^A-Z0-9]+", "-", plain).strip("-")


_VALUES: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORM: Final = re.compile(
    rf"(?:[A-Z0-9][A-Z0-9-]{{0,{KEY_ROOM + EDITION_ROOM - 1}}}:)?[{ALPHABET}]{{{DRAWN + 1}}}"
)
