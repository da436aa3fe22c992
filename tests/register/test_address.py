"""The short way through `parse_email` answers as the validator would."""

from contextlib import suppress

from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.address import ADDRESS_OCTETS, LOCAL_PART_OCTETS, parse_email
from campaigns.errors import AddressFault

LABELS = st.text("abcxyzABCXYZ0189-", min_size=0, max_size=66) | st.sampled_from(
    [
        "xn--fretag-4wa",
        "ab--cd",
        "-a",
        "a-",
        "test",
        "local",
        "arpa",
        "example",
        "1",
        "x1",
        "xn--a",
        "XN--4DBC",
    ]
)
DOMAINS = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
LOCALS = st.text("abcXYZ019.+_-'!#%&*/=?^`{|}~ \"@\\<>(),;:[]åé", max_size=70) | st.sampled_from(
    ["Info", "SALES", "postmaster", "first.last", ".a", "a.", "a..b", '"a b"', "Åsa"]
)


def through_the_validator(text: str) -> tuple[str, str] | None:
    with suppress(EmailNotValidError):
        found = validate_email(text.strip(), check_deliverability=False)
        local, domain = found.local_part, found.ascii_domain.lower()
        if len(local.encode()) <= LOCAL_PART_OCTETS and len(f"{local}@{domain}".encode()) <= ADDRESS_OCTETS:
            return local, domain
    return None


def through_our_reader(text: str) -> tuple[str, str] | None:
    with suppress(AddressFault):
        found = parse_email(text)
        return found.local, found.domain
    return None


@given(st.builds("{}@{}".format, LOCALS, DOMAINS) | st.text(max_size=40))
@example("Info@Example.example")
@example("a@b.c1")
@example("a@b.c")
@example("a@1.2.3")
@example("a@ab--cd.example")
@example("a@b.example.")
@example("a@@b.example")
@example("a@b.example\n")
@example(f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.ex")
@example(f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 58}.ex")
def test_both_ways_agree(text: str) -> None:
    assert through_our_reader(text) == through_the_validator(text)
