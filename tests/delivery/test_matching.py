"""Looking for many phrases at once says what looking for each says."""

from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.matching import STRETCH, PhraseTable
from campaigns.delivery.nobody_there import NOBODY
from campaigns.delivery.phrases import SAID, Cause

CAUSES = list(Cause)
letters = st.text("ab (?", min_size=1, max_size=4)
phrases = st.lists(letters, min_size=1, max_size=3).map("…".join)
tables = st.lists(
    st.tuples(st.sampled_from(CAUSES), st.lists(phrases, min_size=1, max_size=4).map(tuple)), max_size=4
)


def first_by_hand(rules: list[tuple[Cause, tuple[str, ...]]], text: str) -> Cause | None:
    return next(
        (cause for cause, said in rules if any(holds(text, phrase.split("…")) for phrase in said)), None
    )


def holds(text: str, parts: list[str], begin: int = 0, end: int | None = None) -> bool:
    """Whether the parts follow each other, wherever the first one stands and the others come first."""
    first, *rest = parts
    limit = len(text) if end is None else end
    at = text.find(first, begin, limit)
    while at >= 0:
        after = at + len(first)
        if not rest or holds(text, rest, after, after + STRETCH):
            return True
        at = text.find(first, at + 1, limit) if begin == 0 and end is None else -1
    return False


@given(tables, st.text("ab (?", max_size=40))
def test_it_finds_what_each_phrase_alone_finds(rules: list[tuple[Cause, tuple[str, ...]]], text: str) -> None:
    found = PhraseTable(rules).first(text) if rules else None
    assert (found[0] if found else None) == first_by_hand(rules, text)


def test_every_phrase_of_the_tables_is_found() -> None:
    for table in (SAID, [(Cause.ADDRESS_DEAD, NOBODY)]):
        ready = PhraseTable(table)
        for _, said in table:
            assert all(ready.first(phrase.replace("…", " ")) for phrase in said)
