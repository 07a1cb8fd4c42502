"""Whose results a run is given: the check that a user's stay that user's, and that it can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from darner.runtime.journal import paths, shared_results
from darner.runtime.journal.store import open_store
from darner.runtime.perform.cache import Between, ResultCache
from darner.runtime.ports import Caching, CallRequest, Json, Store
from darner.runtime.state import RunState

NEVER_LOADED: Callable[[str], Json] = str


@dataclass
class StoodStill:
    """A clock that a test moves."""

    at: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Return what the test says."""
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.waits.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Asked:
    """Calls that were really made."""

    calls: list[str] = field(default_factory=list)


def request(scope: str, *, ttl: float | None = None, version: int | None = None, reads: Json = 1, code: str = "f") -> CallRequest:
    """Return a call of a tool that may be cached."""
    told = Caching(scope, code, reads, version, ttl)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - parametrised
    return CallRequest("step", "tool", "weigh", {"n": reads}, cache=told)


async def ask(cache: ResultCache, one: CallRequest, asked: Asked, value: Json = 7) -> Json:
    """Return a call's result as the boundary would: looked for, else made and kept."""
    assert one.cache is not None
    async with cache.look(one, one.cache, "c1") as found:
        if found.told.hit:
            return found.value
        asked.calls.append(cache.run_id)
        await cache.keep(found, value)
        return value


def cache_of(store: Store, clock: StoodStill, run: str, user: str | None) -> ResultCache:
    """Return the cache of one run."""
    return ResultCache(run, user, RunState(), clock, NEVER_LOADED, Between(store, run))


def ignoring_scopes(store: Store, clock: StoodStill, run: str, user: str | None) -> ResultCache:
    """Return the broken variant: every run is taken for the same user's."""
    return replace(cache_of(store, clock, run, user), user="somebody")


async def assert_users_are_apart(store: Store, make: Callable[[Store, StoodStill, str, str | None], ResultCache]) -> None:
    """Fail where one user is given another one's result, or a user's own is made twice."""
    clock, asked = StoodStill(), Asked()
    for run, user in (("a1", "ada"), ("a2", "ada"), ("b1", "bob"), ("n1", None), ("n2", None)):
        await ask(make(store, clock, run, user), request("user"), asked)
    assert asked.calls == ["a1", "b1", "n1", "n2"]


def test_users_are_apart_and_a_cache_that_ignored_its_scope_would_be_caught(tmp_path: Path) -> None:
    """The check holds for the real cache, and fails for the broken one."""
    asyncio.run(assert_users_are_apart(open_store(tmp_path / "real"), cache_of))
    with pytest.raises(AssertionError):
        asyncio.run(assert_users_are_apart(open_store(tmp_path / "broken"), ignoring_scopes))


@pytest.mark.parametrize(
    ("change", "calls"),
    [({}, 1), ({"version": 2}, 2), ({"reads": 2}, 2), ({"code": "g"}, 2), ({"ttl": 60.0}, 1), ({"ttl": 5.0}, 2)],
)
def test_what_differs_in_its_key_or_is_too_old_is_made_anew(tmp_path: Path, change: dict[str, Json], calls: int) -> None:
    """Ten seconds later: the same key is served unless the reader's ttl is over; another version, input or code is not."""
    store, clock, asked = open_store(tmp_path), StoodStill(), Asked()
    asyncio.run(ask(cache_of(store, clock, "r1", None), request("shared"), asked))
    clock.at += 10
    asyncio.run(ask(cache_of(store, clock, "r2", None), request("shared", **change), asked))
    assert len(asked.calls) == calls


def test_a_claim_that_nobody_renews_is_waited_for_no_longer_than_its_lease(tmp_path: Path) -> None:
    """A killed owner's claim holds others up until it expires; then one of them makes the result, and takes the claims away."""
    store, clock, asked = open_store(tmp_path), StoodStill(), Asked()
    cache, one = cache_of(store, clock, "r2", None), request("shared")
    key = _key(one)
    store.create(paths.cache_claim("cache/shared", key, 1), b'{"owner": "killed", "until": 1012.0}')
    assert asyncio.run(ask(cache, one, asked)) == 7
    assert clock.at >= 1012.0
    assert asked.calls == ["r2"]
    assert len(clock.waits) < 30
    assert not list(shared_results.claims(store))


def test_a_damaged_claim_holds_nobody_up(tmp_path: Path) -> None:
    """What can't be read says of nobody that he works."""
    store, clock, asked = open_store(tmp_path), StoodStill(), Asked()
    one = request("shared")
    store.create(paths.cache_claim("cache/shared", _key(one), 1), b"\xff")
    assert asyncio.run(ask(cache_of(store, clock, "r", None), one, asked)) == 7
    assert 0.05 not in clock.waits


def _key(one: CallRequest) -> str:
    from darner.runtime.keys import cache_key  # noqa: PLC0415 - one use

    assert one.cache is not None
    return cache_key(one, one.cache)
