"""Call identity: parent, kind, name, arguments, ordinal among equal ones. Never a global position, never the callee's code."""

from __future__ import annotations

import hashlib
import json.encoder
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .ports import Caching, CallRequest, Json

_LENGTH = 32


def _encoder() -> Callable[[Json], Iterable[str]]:
    """Return what `json.dumps` uses with these options. It makes one each time, which takes half as long as all the rest."""
    whole = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # a Python without it
        return whole.iterencode
    one: Callable[[Json, int], Iterable[str]] = make(
        markers=None,
        default=whole.default,
        encoder=json.encoder.encode_basestring,
        indent=None,
        key_separator=whole.key_separator,
        item_separator=whole.item_separator,
        sort_keys=True,
        skipkeys=False,
        allow_nan=True,
    )
    return lambda value: one(value, 0)


_encoded = _encoder()


def digest(value: Json) -> str:
    """Return the digest of a JSON value; the order of keys doesn't matter, and 1 is not 1.0 is not true."""
    return hashlib.sha256("".join(_encoded(value)).encode("utf-8", "surrogatepass")).hexdigest()


def identity(request: CallRequest, ordinal: int) -> str:
    """Return the identity of a call that is the ``ordinal``-th (from 0) among equal ones."""
    return digest([request.parent, request.kind, request.name, request.arguments, ordinal])[:_LENGTH]


TaskOf = Callable[[str], "str | None"]
"""Returns the asyncio task that asked for a call that is on record, None for one that isn't."""


@dataclass
class Ordinals:
    """Counts equal calls of one execution, so that each gets an identity of its own, whatever order they finish in."""

    _seen: Counter[str] = field(default_factory=Counter)
    _taken: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _first: tuple[CallRequest, str] | None = None

    def identity(self, request: CallRequest) -> str:
        """Return the identity of the call that somebody asks for."""
        equal = self._equal(request)
        ordinal = self._seen[equal]
        self._seen[equal] += 1
        return identity(request, ordinal) if ordinal else equal

    def claim(self, request: CallRequest, task: str, task_of: TaskOf) -> str:
        """Return the identity of the call that one of several asyncio tasks asks for.

        Of equal calls on record a task is given its own, and one of another task only where it has none: so branches that
        go on in another order find their results again, and code whose tasks were numbered anew loses none.

        Args:
            request: what is asked for.
            task: who asks, see `events.CallStarted.task`.
            task_of: returns who asked for a call that is on record, None where it isn't.
        """
        equal = self._equal(request)
        if equal not in self._seen and equal not in self._taken and task_of(equal) is None:
            self._seen[equal] = 1  # the first, and nobody's
            return equal
        number, _ = self._choice(request, equal, task, task_of)
        taken = self._taken[equal]
        taken.add(number)
        while self._seen[equal] in taken:
            taken.discard(self._seen[equal])
            self._seen[equal] += 1
        return identity(request, number) if number else equal

    def following(self, request: CallRequest, task: str, task_of: TaskOf) -> str:
        """Return the identity that a call would be given that a task asks for next; nothing is counted."""
        equal = self._equal(request)
        number, _ = self._choice(request, equal, task, task_of)
        return identity(request, number) if number else equal

    def is_anothers(self, request: CallRequest, task: str, task_of: TaskOf) -> bool:
        """Return whether `claim` would give a task what another one asked for: it may still ask for it again."""
        return self._choice(request, self._equal(request), task, task_of)[1]

    def _equal(self, request: CallRequest) -> str:
        """Return the identity of the first of a call's equals, worked out once: the same request is asked about, then claimed."""
        if self._first is None or self._first[0] is not request:
            self._first = request, identity(request, 0)
        return self._first[1]

    def _choice(self, request: CallRequest, equal: str, task: str, task_of: TaskOf) -> tuple[int, bool]:
        """Return the ordinal for a task, and whether it is one of another task."""
        number, first = self._seen[equal], None
        while True:
            if number not in self._taken[equal]:
                known = task_of(identity(request, number) if number else equal)
                if known == task:
                    return number, False
                if known is None:
                    return (number, False) if first is None else (first, True)
                first = number if first is None else first
            number += 1


def idempotency_key(run_id: str, call_id: str) -> str:
    """Return what a write is handed: equal over attempts and resumes of one call, different for any other call of any run."""
    return digest([run_id, call_id])[:_LENGTH]


def callee_key(kind: str, name: str) -> str:
    """Return what the cache keys of one callee begin with."""
    return digest([kind, name])[:8]


def cache_key(request: CallRequest, caching: Caching) -> str:
    """Return the key that equal calls share: callee, its fingerprint, its version, what it reads of its arguments."""
    return f"{callee_key(request.kind, request.name)}-{digest([caching.fingerprint, caching.version, caching.reads])[:_LENGTH]}"
