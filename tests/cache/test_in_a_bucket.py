"""The cache in a bucket of a real S3 server: whose results a run is given, who makes them, and how they go."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner
from darner.runtime.journal import paths, shared_results
from darner.runtime.journal.store import open_store
from darner.runtime.perform.claims import Claims
from darner.runtime.ports import Store

from .. import warm
from ..desk import command
from ..servers import S3Server
from .desk import Desk
from .test_scopes import Asked, StoodStill, ask, assert_users_are_apart, cache_of, ignoring_scopes, request

MAIN = "import sys; from darner.runtime.cli.main import main; main(sys.argv[1:])"


@pytest.fixture
def far(s3: S3Server, tmp_path: Path) -> Store:
    """Return a store of this test's own."""
    return open_store(s3.url(tmp_path.name), s3.options)


class FarDesk(Desk):
    """Commands on a store in a bucket."""

    url = ""

    def __call__(self, *words: str) -> int:
        """Run a command in this process, and return its exit code."""
        self._capsys.readouterr()
        code = darner([*words, "--store", self.url])
        self.out, self.err = self._capsys.readouterr()
        return code

    def started(self, spec: Path, name: str) -> warm.Process:
        """Start a run as a process of its own."""
        given = ["run", str(spec), "--set", f"log={self.log}", "-i", f"names={json.dumps([name])}", "--json", "--store", self.url]
        return warm.Process(command(*given))


@pytest.fixture
def desk(s3: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> FarDesk:
    """Return commands on a store of this test's own."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    made = FarDesk(tmp_path, capsys)
    made.url = s3.url(tmp_path.name)
    return made


def test_users_are_apart_in_a_bucket_and_a_cache_that_ignored_its_scope_would_be_caught(far: Store, s3: S3Server) -> None:
    """The same check as in a folder holds for the real cache, and fails for the broken one."""
    asyncio.run(assert_users_are_apart(far, cache_of))
    with pytest.raises(AssertionError):
        asyncio.run(assert_users_are_apart(open_store(s3.url("ignored"), s3.options), ignoring_scopes))


def test_an_old_result_is_a_miss_and_a_dead_owners_claim_holds_nobody_up_for_long(far: Store) -> None:
    """Ten seconds later a ttl of 60 s serves, one of 5 s doesn't; a claim that nobody renews is waited for until it expires."""
    clock, asked = StoodStill(), Asked()
    asyncio.run(ask(cache_of(far, clock, "r1", None), request("shared"), asked))
    clock.at += 10
    asyncio.run(ask(cache_of(far, clock, "r2", None), request("shared", ttl=60.0), asked))
    assert asked.calls == ["r1"]
    [entry] = shared_results.names(far)
    folder, _, key = entry.rpartition("/")
    assert far.create(paths.cache_claim(folder, key, 1), json.dumps({"owner": "killed", "until": clock.at + 12}).encode())
    until = clock.at + 12
    asyncio.run(ask(cache_of(far, clock, "r3", None), request("shared", ttl=5.0), asked))
    assert asked.calls == ["r1", "r3"]
    assert clock.at >= until
    assert not list(shared_results.claims(far))


def test_one_of_many_gets_a_claim_in_a_bucket(far: Store) -> None:
    """Six ask at once, five times: never two, and never nobody."""
    clock = StoodStill()

    async def race(key: str) -> int:
        claims = [Claims(far, clock, f"owner {number}") for number in range(6)]
        got = await asyncio.gather(*(asyncio.to_thread(one.take, "cache/shared", key) for one in claims))
        return sum(one is not None for one in got)

    assert [asyncio.run(race(f"k{number}")) for number in range(5)] == [1] * 5


def test_of_two_processes_one_pays_and_results_are_listed_and_pruned(desk: FarDesk) -> None:
    """Single-flight between processes; then `cache ls`, and `cache prune` of what is old enough."""
    spec = desk.spec("shared", seconds=3.0)
    with desk.started(spec, "ab") as one, desk.started(spec, "ab") as other:
        for process in (one, other):
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
            assert json.loads(out)["outputs"] == [2]
    assert desk.calls() == ["ab"]
    assert desk("cache", "ls", "--json") == 0
    [told] = desk.json()["results"]
    assert (told["name"], told["user"]) == ("weigh", None)
    assert desk("cache", "prune", "--json") == 0
    assert desk.json() == {"pruned": []}
    assert desk("cache", "prune", "--older-than", "0s", "--json") == 0
    assert desk.json() == {"pruned": [told["object"]]}
    assert desk("cache", "ls", "--json") == 0
    assert desk.json()["results"] == []


def test_a_users_results_reach_that_users_runs_only_in_a_bucket(desk: FarDesk) -> None:
    """Ada's second run is served and says so; Bob's pays; nobody's pay each."""
    spec = desk.spec("user")
    for words in (["--user", "ada", "--run", "a1"], ["--user", "ada", "--run", "a2"], ["--user", "bob"], []):
        assert desk.run(spec, ["ab", "ab"], *words) == [2, 2]
    assert len(desk.calls()) == 3
    assert desk("why", "a2", "weights[0]") == 0
    assert "served from cache user: a1/" in desk.out
