"""Where the rungs that worked are kept: one small object a node, written without locks, and only ever a hint.

Two processes that write at once leave what one of them has learned; what can't be read is as if it weren't there. So a
lost or a damaged object costs a failed attempt, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from pydantic import ValidationError

from ..failures import Missing, StoreError
from ..ports import Store
from ..rungs import Known, RungKey, first_rung, learned
from . import paths

KEPT = 90 * 86400.0
"""Seconds for which a rung is remembered that no run has begun with since."""


def remembered(store: Store, key: RungKey) -> int:
    """Return the rung to begin with; the base (0) where nothing is known. Never fails."""
    return first_rung(_known(store, _name(key)))


def remember(store: Store, key: RungKey, rung: int, now: float) -> None:
    """Keep the largest rung that a run needed, once a run. Never fails: what a run has made counts, not what it noticed.

    ``now`` is in seconds since 1970.
    """
    name = _name(key)
    known = _known(store, name)
    after = learned(known, rung, now)
    if after is not None and after != known:
        with suppress(StoreError):
            store.put(name, after.model_dump_json().encode())


def forgotten(store: Store, now: float) -> Iterator[str]:
    """Yield the object names of what may be forgotten: not used for long (its ladder was edited, say), or damaged."""
    with suppress(StoreError):
        for name in store.names(paths.RUNGS):
            known = _known(store, name)
            if known is None or known.at < now - KEPT:
                yield name


def _known(store: Store, name: str) -> Known | None:
    try:
        found = Known.model_validate(json.loads(store.get(name)))
    except (Missing, StoreError, ValidationError, ValueError):
        return None
    return found if found.rung >= 0 else None


def _name(key: RungKey) -> str:
    return paths.rung(key.spec, key.node, key.ladder)
