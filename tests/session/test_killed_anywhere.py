"""A session of 30 model calls and 20 tool calls, killed with SIGKILL at its journal commits in turn, against a counting server."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.ports import Store
from darner.runtime.state import fold
from darner.testing import ModelServer

from ..births import Midwife, midwife
from . import mortal

SCRIPT = mortal.SPEC / "script.yaml"
MODEL_CALLS, TOOL_CALLS, WRITES = 30, 20, 11
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Place:
    """Where one session is: a folder for its effects, and its store, which is that folder or an address with options."""

    folder: Path
    url: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> Store:
        """Open the store."""
        return open_store(self.url or str(self.folder), self.options)

    @property
    def effects(self) -> list[str]:
        """Every effect that the tools noted."""
        return (self.folder / "effects").read_text(encoding="utf-8").splitlines()


def life(place: Place, server: ModelServer, dies_at: int = 0, *, before: bool = False) -> mortal.Life:
    """Return what one process does."""
    place.folder.mkdir(exist_ok=True)
    return mortal.Life(place.url or str(place.folder), server.base_url, str(place.folder / "effects"), dies_at, before)


@pytest.fixture(scope="module")
def processes() -> Iterator[Midwife]:
    """Real processes whose store is a folder."""
    with midwife(mortal) as made:
        yield made


def without_ids(told: Any) -> Any:
    """Return what a run told with its uuids taken out: they differ from run to run."""
    return json.loads(UUID.sub("UUID", json.dumps(told)))


def check(processes: Midwife, place: Place, undisturbed: Any, commit: int, *, before: bool) -> bool:
    """Kill a session at a commit, resume it, and compare it with the undisturbed one; return whether it was killed."""
    with ModelServer(SCRIPT) as server:
        died = processes.run(life(place, server, commit, before=before)) is None
        lost = in_flight(place, before=before) if died else 0
        told = processes.run(life(place, server))
        where = f"killed {'before' if before else 'after'} commit {commit}"
        assert without_ids({**told, "calls": None}) == without_ids({**undisturbed, "calls": None}), where
        assert not told["drift"], where
        assert MODEL_CALLS <= server.requests <= MODEL_CALLS + lost, where
    counted = Counter(place.effects)
    assert sum(line.startswith("reserve") for line in counted) == WRITES, where
    assert all(count <= 2 for count in counted.values()), where
    assert sum(counted.values()) <= TOOL_CALLS + max(1, lost), where
    return died


def in_flight(place: Place, *, before: bool) -> int:
    """Return how many answers may have been lost: those of the other branches, and the one that was about to be written."""
    steps = fold(read_events(place.open(), "it")).steps
    # In the survey each topic is a branch; in a round the criticism and the write go on at once.
    branches = 2 if "survey" in steps else len(mortal.INPUTS["topics"])
    return branches if before else branches - 1


@pytest.fixture(scope="module")
def undisturbed(processes: Midwife, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the session comes to when nobody kills it."""
    place = Place(tmp_path_factory.mktemp("undisturbed") / "store")
    with ModelServer(SCRIPT) as server:
        told = processes.run(life(place, server))
        assert server.requests == MODEL_CALLS
    assert told["status"] == "done", told
    assert len(place.effects) == TOOL_CALLS
    return told


@pytest.mark.parametrize("before", [False, True])
def test_killed_at_a_tenth_of_its_commits_a_session_comes_to_the_same_end(
    tmp_path: Path, processes: Midwife, undisturbed: Any, *, before: bool
) -> None:
    """Outputs are equal; no model is asked again, but for what was in flight; every write happens under one key."""
    kills = 0
    for commit in count(5 if before else 2, 20):
        if not check(processes, Place(tmp_path / str(commit)), undisturbed, commit, before=before):
            break
        kills += 1
    assert kills >= 3


@pytest.mark.soak
@pytest.mark.parametrize("before", [False, True])
def test_killed_at_each_of_its_commits_a_session_comes_to_the_same_end(
    tmp_path: Path, processes: Midwife, undisturbed: Any, *, before: bool
) -> None:
    """The same, for all of them."""
    killed = (check(processes, Place(tmp_path / str(commit)), undisturbed, commit, before=before) for commit in count(1))
    kills = sum(1 for _ in takewhile(bool, killed))
    assert kills > 50


def test_killed_again_and_again_a_session_gets_to_its_end(tmp_path: Path, processes: Midwife, undisturbed: Any) -> None:
    """Each process dies a few commits after it took the run up; the next goes on, and nothing is counted twice."""
    place = Place(tmp_path / "store")
    with ModelServer(SCRIPT) as server:
        lives = 1
        while (told := processes.run(life(place, server, 9))) is None:
            lives += 1
            assert lives < 100
        assert without_ids({**told, "calls": None}) == without_ids({**undisturbed, "calls": None})
        assert server.requests <= MODEL_CALLS + lives * len(mortal.INPUTS["topics"])
    assert lives > 3
    assert len({line for line in place.effects if line.startswith("reserve")}) == WRITES
