"""Call identity: parent, kind, name, arguments, ordinal among equal ones. Never a global position, never the callee's code."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from .ports import Caching, CallRequest, Json

_LENGTH = 32


def digest(value: Json) -> str:
    """Return the digest of a JSON value; the order of keys doesn't matter, and 1 is not 1.0 is not true."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def identity(request: CallRequest, ordinal: int) -> str:
    """Return the identity of a call that is the ``ordinal``-th (from 0) among equal ones."""
    return digest([request.parent, request.kind, request.name, request.arguments, ordinal])[:_LENGTH]


@dataclass
class Ordinals:
    """Counts equal calls of one execution, so that each gets an identity of its own, whatever order they finish in."""

    _seen: Counter[str] = field(default_factory=Counter)
    _taken: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def identity(self, request: CallRequest) -> str:
        """Return the identity of a call that is asked for now."""
        equal = identity(request, 0)
        ordinal = self._seen[equal]
        self._seen[equal] += 1
        return identity(request, ordinal) if ordinal else equal

    def claim(self, request: CallRequest, task: str, task_of: Callable[[str], str | None]) -> str:
        """Return the identity of a call that one of several asyncio tasks asks for now.

        Of equal calls on record a task is given its own, and one of another task only where it has none: so branches that
        go on in another order find their results again, and code whose tasks were numbered anew loses none.

        Args:
            request: what is asked for.
            task: who asks, see `events.CallStarted.task`.
            task_of: returns who asked for a call that is on record, None where it isn't.
        """
        equal, others = identity(request, 0), list[int]()
        taken = self._taken[equal]
        number = self._seen[equal]
        while True:
            if number not in taken:
                known = task_of(identity(request, number) if number else equal)
                if known == task:
                    break
                if known is None:
                    number = others[0] if others else number
                    break
                others.append(number)
            number += 1
        taken.add(number)
        while self._seen[equal] in taken:
            taken.discard(self._seen[equal])
            self._seen[equal] += 1
        return identity(request, number) if number else equal


def idempotency_key(run_id: str, call_id: str) -> str:
    """Return what a write is handed: equal over attempts and resumes of one call, different for any other call of any run."""
    return digest([run_id, call_id])[:_LENGTH]


def callee_key(kind: str, name: str) -> str:
    """Return what the cache keys of one callee begin with."""
    return digest([kind, name])[:8]


def cache_key(request: CallRequest, caching: Caching) -> str:
    """Return the key that equal calls share: callee, its fingerprint, its version, what it reads of its arguments."""
    return f"{callee_key(request.kind, request.name)}-{digest([caching.fingerprint, caching.version, caching.reads])[:_LENGTH]}"
