"""A journal read without taking its run up: its events, how far it went, who held it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..events import Event


@dataclass(frozen=True, slots=True)
class Reading:
    """A journal as it was at one moment."""

    events: Iterable[Event]
    extent: str
    """By what `log.goes_to` knows whether anything was written since; empty where that can't be known."""
    holder: str | None
    """Who holds the run, or None."""
