"""The results that equal calls share: within a run by its journal, between runs by objects of the store."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .. import keys
from ..events import Cached
from ..failures import StoreError
from ..idle import Idle, Wait
from ..journal import paths, shared_results
from ..journal.shared_results import SharedResult
from ..ports import Caching, CallRequest, Clock, Json, Store
from ..state import RunState
from .claims import LEASE, Claim, Claims
from .tools import FEEDBACK

FIRST_LOOK, LAST_LOOK = 0.05, 1.0
"""Seconds between looks for a result that somebody else is making: at first, and in the end."""
PATIENCE = 900.0
"""Seconds after which a result that somebody else is making is made here too."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a cache has for a call: a hit with its value, or a miss with what the result is to be kept as."""

    told: Cached
    value: Json = None
    folder: str | None = None
    result: SharedResult | None = None


@dataclass(frozen=True)
class Between:
    """What runs share results by: a store, and until when a claim counts that nobody renews (seconds)."""

    store: Store
    owner: str
    lease: float = LEASE


@dataclass
class ResultCache:
    """The cache of one run. Without ``between`` results are shared within the run only."""

    run_id: str
    user: str | None
    state: RunState
    clock: Clock
    load: Callable[[str], Json]
    between: Between | None = None
    idle: Idle = field(default_factory=Idle)
    kept: float | None = None
    """For how many seconds results may be stored for other runs (``policy.retention``); None: for ever."""
    _flights: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @contextlib.asynccontextmanager
    async def look(self, request: CallRequest, caching: Caching, call_id: str) -> AsyncIterator[Found]:
        """Yield what there is for a call; after a miss the result is made inside the block, and `keep` keeps it.

        Equal calls wait for each other: those of this process by a lock, those of others by a claim that expires.
        """
        key = keys.cache_key(request, caching)
        scope = _scope(caching, self.user, self.between)
        async with self._alone(key, Wait(call_id, request.parent)):
            is_anew = self._is_anew(request.parent)
            before = self._of_this_run(key, is_anew=is_anew)
            if before is not None:
                yield before
            elif scope == "run" or self.between is None:
                yield Found(Cached(scope="run", key=key, reason="no equal call of this run has a result yet"))
            else:
                between = _SharedLook(self.between, self.clock, paths.cache_folder(scope, self.user if scope == "user" else None))
                fresh = self._fresh(request, caching, key, call_id)
                async with between.look(scope, fresh, is_anew=is_anew) as found:
                    yield found

    @contextlib.asynccontextmanager
    async def _alone(self, key: str, wait: Wait) -> AsyncIterator[None]:
        """Hold others of this process up that want the same. Waiting for one of them is no work: it may wait for a person."""
        lock = self._flights[key]
        with self.idle.waiting(wait) if lock.locked() else contextlib.nullcontext():
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _of_this_run(self, key: str, *, is_anew: bool) -> Found | None:
        """Return an equal call's result. Of steps that are done anew only those count that were done anew too."""
        call = self.state.calls.get(self.state.cached.get(key, ""))
        if call is None or call.payload is None or (is_anew and not self._is_anew(call.parent)):
            return None
        value = call.payload.value if call.payload.blob is None else self.load(call.payload.blob)
        told = Cached(scope="run", key=key, hit=True, origin=f"{self.run_id}/{call.call}", made=call.ended)
        return Found(told, _free(call.what, value))

    def _is_anew(self, parent: str) -> bool:
        while parent in self.state.calls:
            parent = self.state.calls[parent].parent
        return any(parent == one or parent.startswith((f"{one}[", f"{one}/")) for one in self.state.anew)

    def _fresh(self, request: CallRequest, caching: Caching, key: str, call_id: str) -> SharedResult:
        """Return what a new result is kept as; when it was made stands in for when it is kept."""
        return SharedResult(
            key=key,
            kind=request.kind,
            name=request.name,
            fingerprint=caching.fingerprint,
            version=caching.version,
            reads=keys.digest(caching.reads),
            run=self.run_id,
            call=call_id,
            user=self.user if caching.scope == "user" else None,
            made=0.0,
            ttl=caching.ttl,
            kept=self.kept,
        )

    async def keep(self, found: Found, value: Json) -> None:
        """Keep the result of a call that was looked for and not found. What a store says against it is no failure of the run."""
        is_refusal = isinstance(value, Mapping) and set(value) == {FEEDBACK}
        if self.between is None or found.folder is None or found.result is None or is_refusal:
            return
        told = found.result.model_copy(update={"made": self.clock.now()})
        with contextlib.suppress(StoreError):  # a saving, not a promise: the result is durable in the journal
            await asyncio.to_thread(shared_results.write, self.between.store, found.folder, told, _free(told.kind, value))


@dataclass
class _SharedLook:
    """One look into one folder of shared results."""

    between: Between
    clock: Clock
    folder: str

    def __post_init__(self) -> None:
        self._claims = Claims(self.between.store, self.clock, self.between.owner, self.between.lease)

    @contextlib.asynccontextmanager
    async def look(self, scope: Literal["user", "shared"], fresh: SharedResult, *, is_anew: bool) -> AsyncIterator[Found]:
        """Yield a hit, or a miss while nobody else makes the result."""
        if is_anew:
            yield self._miss(scope, fresh, "a person wanted it done anew (--redo)")
            return
        until, pause = self.clock.now() + PATIENCE, FIRST_LOOK
        while True:
            claim, found = await asyncio.to_thread(self._look_once, scope, fresh)
            if claim is not None and not found.told.hit:
                async with self._claims.held(claim):
                    yield found
                return
            if found.told.hit or self.clock.now() >= until:
                yield found
                return
            await self.clock.sleep(pause)
            pause = min(pause * 1.5, LAST_LOOK)

    def _look_once(self, scope: Literal["user", "shared"], fresh: SharedResult) -> tuple[Claim | None, Found]:
        found = self._read(scope, fresh)
        if found.told.hit:
            return None, found
        claim = self._claims.take(self.folder, fresh.key)
        if claim is None:
            return None, found
        # Whoever had the claim before may have finished between the look and the claim.
        again = self._read(scope, fresh)
        if again.told.hit:
            self._claims.release(claim)
        return claim, again

    def _read(self, scope: Literal["user", "shared"], fresh: SharedResult) -> Found:
        stored = shared_results.read(self.between.store, self.folder, fresh.key)
        if stored is None or isinstance(stored, str):
            return self._miss(scope, fresh, stored or "nothing is stored under its key")
        result, value = stored
        age = self.clock.now() - result.made
        if fresh.ttl is not None and age >= fresh.ttl:
            return self._miss(scope, fresh, f"the result of {result.run} is {age:.0f}s old, and ttl is {fresh.ttl:g}s")
        told = Cached(scope=scope, key=fresh.key, hit=True, origin=f"{result.run}/{result.call}", made=result.made)
        return Found(told, value)

    def _miss(self, scope: Literal["user", "shared"], fresh: SharedResult, reason: str) -> Found:
        return Found(Cached(scope=scope, key=fresh.key, reason=reason), None, self.folder, fresh)


def _scope(caching: Caching, user: str | None, between: Between | None) -> Literal["run", "user", "shared"]:
    """Return where a result is shared: a user's needs a user, and both need a store."""
    if between is None or (caching.scope == "user" and user is None):
        return "run"
    return caching.scope


def _free(kind: str, value: Json) -> Json:
    """Return a result as equal calls are given it: an agent's says what was used, and being served uses nothing."""
    if kind == "agent" and isinstance(value, Mapping) and "used" in value:
        return {**value, "used": {"requests": 0, "input_tokens": 0, "output_tokens": 0, "cost": "0"}}
    return value
