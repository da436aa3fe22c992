"""What follows from each kind of news: one small function each, in a file of its own.

Promise: each may be called again with the same news and in any order, and leaves the register as the first
time. `hard_bounce` takes many pieces of news at once and stands beside the table. What is in neither is recorded and
changes nothing: full mailboxes, refusals of content, delays, absence notes, receipts, challenges, replies, not-spam,
failed authentication, and news that a provider has subscribed somebody again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from campaigns.feedback.consequences.complaint import suppress_all_marketing
from campaigns.feedback.consequences.news import News
from campaigns.feedback.consequences.refused_sender import tell_the_brakes
from campaigns.feedback.consequences.soft_bounce import count_failures
from campaigns.feedback.consequences.stop_request import withhold_and_ask
from campaigns.feedback.event import Kind

CONSEQUENCES: Final[Mapping[Kind, Callable[[News], str]]] = MappingProxyType(
    {
        "soft": count_failures,
        "network": count_failures,
        "other": count_failures,
        "policy": tell_the_brakes,
        "complaint": suppress_all_marketing,
        "stop": withhold_and_ask,
    }
)
