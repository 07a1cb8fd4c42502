"""Lives of a spec, killed at a commit of their journal, which import its Python as it is when they begin."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darner.runtime.events import CallStarted, Event
from darner.runtime.failures import DarnerError
from darner.runtime.journal import binding
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Json, Log, Store
from darner.runtime.project.load import compile_spec
from darner.testing import DyingLog

from .. import births


@dataclass(frozen=True)
class Life:
    """What one process does. It dies right after its commit ``dies_at``, or just ``before`` it is written (0: it lives on)."""

    spec: str
    store: str
    run: str = "it"
    inputs: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    dies_at: int = 0
    before: bool = False
    dies_with: str = ""
    """It dies at the commit that has the first event of this kind."""
    of: str = ""
    """The event must be one of a call of this name."""
    spares: str = ""
    """It lives on once a call of this name has begun."""
    strict: bool = False


class ChoosyLog(DyingLog):
    """A journal that kills its process, or spares it, at an event of some kind."""

    def __init__(self, log: Log, life: Life) -> None:
        super().__init__(log, commits=life.dies_at, before=life.before)
        self._life = life
        self._of: set[str] = set()

    def begin(self, events: Sequence[Event]) -> None:
        """Write one commit, and die if it has such an event."""
        self._of |= {event.call for event in events if isinstance(event, CallStarted) and event.name == self._life.of}
        if any(event.kind == self._life.dies_with and (not self._life.of or getattr(event, "call", None) in self._of) for event in events):
            self._left = 1
        if any(isinstance(event, CallStarted) and event.name == self._life.spares for event in events):
            self._left = 0
        super().begin(events)


def live(life: Life) -> Json:
    """Run, or go on with a run, and tell how it ended."""
    sys.path.insert(0, str(Path(life.spec).parent))
    store = open_store(life.store)
    bound = _bound(store, life)
    around = Surroundings(EnvironmentSecrets({}), strict=life.strict)
    try:
        state = births.live(store, bound, around, lambda log: ChoosyLog(log, life))
    except DarnerError as error:
        return {"status": None, "raised": type(error).__name__, "error": error.message}
    finished = state.finished
    assert finished is not None
    drift = {step: [state.calls[call].name for call in calls] for step, calls in state.drift.items()}
    return {"status": finished.status, "outputs": finished.outputs, "error": finished.error, "drift": drift, "epoch": state.epoch}


def _bound(store: Store, life: Life) -> Binding:
    if binding.is_bound(store, life.run):
        return binding.load(store, life.run)
    compiled = compile_spec(Path(life.spec), params=life.params)
    return Binding(life.run, compiled.plan, compiled.lock, compiled.prompts, life.inputs, life.params, life.spec)


if __name__ == "__main__":
    for name in ("darner.runtime.perform.orchestrating.conducting", "darner.runtime.project.load"):
        importlib.import_module(name)
    births.give_birth(lambda given: live(Life(**given)))
