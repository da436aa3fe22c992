"""docs/states.md draws the statuses as the tables have them."""

from collections.abc import Mapping

import pytest

from campaigns.delivery import status as delivery
from campaigns.planning import status as campaign
from campaigns.register.suppression import PASSING_REASONS
from campaigns.store import ledger_tables, register_tables
from tests.architecture.tree import ROOT

PAGE = ROOT / "docs" / "states.md"


def drawn(moves: Mapping[str, Mapping[str, str]], first: str) -> str:
    """A table of statuses as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    for before, following in moves.items():
        lines += [f"    {before} --> {after}: {why}" for after, why in following.items()]
        if not following:
            lines.append(f"    {before} --> [*]")
    return "\n".join([*lines, "```"])


@pytest.mark.parametrize(
    "moves, first", [(campaign.MOVES, "scheduled"), (delivery.MOVES, "pending")], ids=["campaign", "delivery"]
)
def test_the_diagrams_are_those_of_the_tables(moves: Mapping[str, Mapping[str, str]], first: str) -> None:
    expected = drawn(moves, first)
    assert expected in PAGE.read_text(), f"docs/states.md should hold:\n{expected}"


def test_the_tables_know_the_statuses_of_the_schema_and_no_others() -> None:
    assert set(campaign.MOVES) == set(ledger_tables.CAMPAIGN_STATUSES)
    assert set(delivery.MOVES) == set(ledger_tables.DELIVERY_STATUSES)
    for moves in (campaign.MOVES, delivery.MOVES):
        assert {after for following in moves.values() for after in following} <= set(moves)


def test_every_reason_is_explained() -> None:
    page = PAGE.read_text()
    words = [*ledger_tables.HOLD_REASONS, *register_tables.SUPPRESSION_KINDS, *PASSING_REASONS]
    assert [word for word in words if f"`{word}`" not in page] == []
