"""What a message carries for its provider, and what the provider gives back, find each other."""

import json
from dataclasses import replace

import pytest

from campaigns.content.compose import Composer
from campaigns.delivery.carriers import REFERENCE_FIELDS, reference_fields
from campaigns.feedback.ingest import message_id_claims
from tests.conformance.webhooks.cast import SENDERS
from tests.conformance.webhooks.conftest import Place
from tests.content.material import HEAD, VIEW, parsed, shipped


@pytest.mark.parametrize("carrier", REFERENCE_FIELDS)
def test_news_of_a_carrier_finds_its_message(place: Place, carrier: str) -> None:
    about = place.about()
    head = replace(HEAD, reference_fields=reference_fields([carrier]))
    message = parsed(
        Composer(shipped("newsletter"), head).compose(VIEW._replace(message_id=about.message_id))
    )
    given = str(message[REFERENCE_FIELDS[carrier][0]])
    value = json.loads(given)["delivery"] if given.startswith("{") else given
    assert len(value) <= 80
    assert message_id_claims(place.register.tokens, value) == place.register.claims()
    sender = SENDERS[carrier]
    item = sender.items(replace(about, message_id=value, return_path=""))["hard"][0]
    assert place.hand_in(sender.post([item], about.moment)).status_code == 200
    assert place.register.events() == [("hard", "hard_bounce")]


def test_without_a_carrier_nothing_is_added() -> None:
    assert reference_fields(["sendgrid", "ses"]) == ()
