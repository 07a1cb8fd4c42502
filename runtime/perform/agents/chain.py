"""Which model is asked: the first of a chain of fallbacks that hasn't declared itself out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ...failures import Crashed, Failure, Network, Throttled
from ...ports import OnRecord

QUOTA, OVERFLOW = "QuotaExceeded", "WindowOverflow"
"""The types of failures that are a provider's: its account has no credit left, its model's window is too small."""


@dataclass
class Chain:
    """The models of one call of an agent, in the order in which they are asked.

    A model whose quota is gone, or whose window is too small, has declared itself out for the rest of the call: the next
    ones are asked, and it only after all of them have failed. What passes (its network, its limits) is forgotten with the
    request. Nobody keeps this: failures on record are raised again when a call is gone on with, and teach the same.
    """

    names: tuple[str, ...]
    _out: dict[str, str] = field(default_factory=dict)

    def order(self, look: Callable[[str], OnRecord]) -> tuple[Sequence[str], Sequence[str]]:
        """Return the models to ask for one answer, and those that are asked once all of these have failed.

        What is on record is served whatever is remembered: who was asked then is asked now, and whoever stands before the
        one that answered then, and isn't on record, is left alone.
        """
        if len(self.names) == 1:
            return self.names, ()
        if not self._out and look(self.names[0]).has_result:
            return self.names, ()
        seen = [look(name) for name in self.names]
        answered = max((index for index, one in enumerate(seen) if one.has_result), default=0)
        usable = [
            name
            for index, name in enumerate(self.names)
            if seen[index].is_served or (name not in self._out and index >= answered)
        ]  # fmt: skip
        return (usable or self.names), [name for name in self.names if usable and name not in usable]

    def failed(self, name: str, failure: Failure) -> None:
        """Hear why a model gave no answer."""
        if failure.type_name in {QUOTA, OVERFLOW}:
            self._out[name] = failure.type_name

    def answered(self, name: str) -> None:
        """Hear that a model answered: whatever it had said before, it is back."""
        self._out.pop(name, None)

    def shortened(self) -> None:
        """Hear that the conversation was made shorter: it may fit into a window again that was too small."""
        self._out = {name: kind for name, kind in self._out.items() if kind != OVERFLOW}


def is_next_asked(failure: Failure) -> bool:
    """Return whether a model's ``fallback`` is asked after a failure; a refusal is another reason."""
    return isinstance(failure, Throttled | Network | Crashed) or failure.type_name in {QUOTA, OVERFLOW}


def with_all(failure: Failure, tried: Sequence[Failure]) -> Failure:
    """Return a failure with the calls of all models that were asked: once it is tried again, all of them are."""
    failure.calls = (*failure.calls, *(call for one in tried if one is not failure for call in one.blamed()))
    return failure


def told_apart(failure: Failure) -> Failure:
    """Return a provider's failure with a type that says so: a budget of the run is used up, too, and an answer damaged."""
    own = {"exhausted": QUOTA, "context": OVERFLOW}
    failure.type_name = own.get(failure.kind, failure.type_name)
    return failure
