"""``run --watch``: the tree of a run as it grows, on a terminal; else a line for each thing that came out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Group
from rich.live import Live

from .. import tree
from ..journal.binding import Binding
from ..perform.watching import Watch
from ..report import report
from ..state import RunState
from . import console

SPARE = 4
"""Lines of a terminal that are left free below a tree."""


def drawing(bound: Binding, *, wanted: bool) -> AbstractContextManager[Watch | None]:
    """Return a block in which a run is drawn; nothing is drawn where nobody wants it."""
    if not wanted:
        return nullcontext(None)
    return _live(bound) if console.err.is_terminal else nullcontext(Told(bound))


@contextmanager
def _live(bound: Binding) -> Iterator[Watch]:
    with Live(console=console.err, auto_refresh=False, vertical_overflow="crop") as live:

        def show(state: RunState) -> None:
            told = report(bound.run, (bound.plan, bound.lock), state, holder="this process", outputs=None)
            lines = [console.coloured(line) for line in tree.lines(told)]
            room = max(SPARE, console.err.size.height - SPARE)
            live.update(Group(*lines[:room]), refresh=True)

        yield show


class Told:
    """Says what came out, a line a step or item, in the order in which it did."""

    def __init__(self, bound: Binding) -> None:
        self._bound = bound
        self._seen: dict[str, str] = {}

    def __call__(self, state: RunState) -> None:
        """Say what is new."""
        waiting = {state.step_of(one.parent): "waiting" for one in state.waiting}
        now = {path: outcome.kind for path, outcome in list(state.steps.items())} | waiting
        for path, status in now.items():
            if self._seen.get(path) != status:
                console.say(f"{path}  {status}")
        self._seen.update(now)
