"""What a failure means for an address, case by case."""

import pytest

from campaigns.feedback.classify import classify
from campaigns.feedback.event import BounceClass

CASES: list[tuple[str, str, BounceClass]] = [
    ("5.1.1", "smtp; 550 5.1.1 User unknown", "hard"),
    ("5.1.1", "", "hard"),
    ("5.1.2", "", "hard"),
    ("5.1.6", "", "hard"),
    ("5.1.10", "recipient's domain has a null MX", "hard"),
    ("", "550 <k@b.example>: Recipient address rejected: User unknown in local recipient table", "hard"),
    ("5.0.0", "550-5.1.1 The email account that you tried to reach is gone", "hard"),
    ("5.4.4", "Host or domain name not found. Name service error", "hard"),
    ("4.1.1", "450 4.1.1 User unknown", "soft"),
    ("4.4.7", "delivery time expired", "network"),
    ("4.2.2", "mailbox full", "full"),
    ("5.7.1", "550 5.7.1 no such user", "policy"),
    ("5.7.27", "", "policy"),
    ("5.1.1", "550 5.1.1 rejected as spam: user unknown", "policy"),
    ("5.1.1", "552 5.1.1 mailbox is full", "full"),
    ("5.2.2", "", "full"),
    ("5.2.1", "550 5.2.1 The account has been disabled", "other"),
    ("5.1.1", "550 5.1.1 mailbox temporarily disabled", "other"),
    ("5.4.4", "unable to route", "network"),
    ("5.5.0", "", "other"),
    ("", "", "other"),
    ("5.1.10 ", "", "hard"),
    ("5.1.100", "", "soft"),
    ("5.2.1", "550 5.2.1 Mailbox not available", "other"),
    ("5.2.1", "550 5.2.1 User unknown", "hard"),
    ("5.0.0", "X-Postfix; [kund.example]: Name or service not known", "hard"),
    (
        "5.0.0",
        "550 Message was not accepted -- invalid mailbox. Local mailbox a@b.example is unavailable",
        "hard",
    ),
    ("5.0.0", "550 this address no longer accepts mail, she has left the company", "hard"),
    ("4.2.1", "450 4.2.1 she has left the company", "soft"),
    ("", "250 2.1.5 taken, then 550 5.1.1 for the next", "hard"),
    ("5.0.0", "553 5.3.0 <a@b.example>... Addressee unknown", "hard"),
    ("5.0.0", "550 Nie ma takiego uzytkownika", "hard"),
    ("5.0.0", "550 L'adresse n'existe pas", "hard"),
    ("5.0.0", "550 Mottagaren hittades inte", "hard"),
    ("5.0.0", "550 Vastaanottajaa ei löytynyt", "hard"),
    ("5.0.0", "550 usuario inexistente", "hard"),
    ("5.0.0", "552 Postilaatikko on täynnä", "full"),
    ("5.0.0", "552 Brevlådan är full", "full"),
    ("5.0.0", "552 skrzynka odbiorcy jest przepełniona", "full"),
    ("5.0.0", "550 Konto gesperrt", "other"),
]


@pytest.mark.parametrize("status, said, meaning", CASES)
def test_the_table(status: str, said: str, meaning: BounceClass) -> None:
    assert classify(status, said) == meaning


@pytest.mark.parametrize(
    "status, stated, meaning",
    [("5.1.1", "soft", "soft"), ("", "hard", "hard"), ("5.7.1", "hard", "policy"), ("4.4.1", "hard", "soft")],
)
def test_a_provider_is_believed_but_for_refusals_and_passing_failures(
    status: str, stated: BounceClass, meaning: BounceClass
) -> None:
    assert classify(status, "", stated) == meaning


def test_a_long_text_costs_little_and_only_its_beginning_counts() -> None:
    assert classify("", "user " * 100_000 + "unknown") == "other"
