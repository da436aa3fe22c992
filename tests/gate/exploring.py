"""Every state that can be reached from a first one, the nearest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

Steps = Iterator[tuple[str, Any]]


def explore(
    start: Any, steps: Callable[[Any], Steps], wanted: Callable[[Any], bool]
) -> tuple[list[str] | None, int]:
    """The shortest way to a wanted state, or None when there is no way; and how many states were seen."""
    came_from: dict[Any, tuple[Any, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if wanted(state):
            return _way(came_from, state), len(came_from)
        for name, following in steps(state):
            if following not in came_from:
                came_from[following] = (state, name)
                waiting.append(following)
    return None, len(came_from)


def _way(came_from: dict[Any, tuple[Any, str] | None], state: Any) -> list[str]:
    names = []
    while (before := came_from[state]) is not None:
        state, name = before
        names.append(name)
    return names[::-1]
