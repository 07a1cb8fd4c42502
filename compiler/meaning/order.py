"""Topological order, the same whatever the order of writing: what can go first goes by name."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping


def topological(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], list[str]]:
    """Return (names in order, names that wait for each other in a circle); ``needs`` maps a name to what it waits for."""
    waiting = {name: {one for one in wanted if one in needs and one != name} for name, wanted in needs.items()}
    for name, wanted in needs.items():
        if name in wanted:
            waiting[name].add(name)
    ready = [name for name, wanted in waiting.items() if not wanted]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        name = heapq.heappop(ready)
        order.append(name)
        for other, wanted in waiting.items():
            if name in wanted:
                wanted.remove(name)
                if not wanted:
                    heapq.heappush(ready, other)
    return order, sorted(set(needs) - set(order))


def circle(needs: Mapping[str, Iterable[str]], among: Iterable[str]) -> list[str]:
    """Return one shortest-first circle among names that wait for each other, its first name again at its end."""
    names = set(among)
    start = min(names)
    seen: list[str] = []
    name = start
    while name not in seen:
        seen.append(name)
        name = min((one for one in needs[name] if one in names), default=name)
    return [*seen[seen.index(name) :], name]
