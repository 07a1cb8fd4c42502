"""The session of 30 model calls and 20 tool calls with its store on a real S3 server, killed at its journal commits in turn.

All commits take minutes: ``DARNER_EVERY=7 pytest -m soak …`` kills at every seventh.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from darner.testing import ModelServer

from ..births import Midwife, midwife
from ..servers import S3Server
from . import mortal
from .test_killed_anywhere import MODEL_CALLS, SCRIPT, TOOL_CALLS, Place, check, life

EVERY = int(os.environ.get("DARNER_EVERY", "1"))
"""How far apart the commits are at which a session is killed."""


@pytest.fixture(scope="module")
def processes(s3: S3Server) -> Iterator[Midwife]:
    """Real processes, which find the server in their environment."""
    with midwife(mortal, s3.environment) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(s3: S3Server, processes: Midwife, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the session comes to when nobody kills it."""
    place = Place(tmp_path_factory.mktemp("undisturbed"), s3.url("undisturbed"), s3.options)
    with ModelServer(SCRIPT) as server:
        told = processes.run(life(place, server))
        assert server.requests == MODEL_CALLS
    assert told["status"] == "done", told
    assert len(place.effects) == TOOL_CALLS
    return told


def test_killed_at_one_commit_in_the_middle_a_session_in_a_bucket_comes_to_the_same_end(
    tmp_path: Path, s3: S3Server, processes: Midwife, undisturbed: Any
) -> None:
    """Outputs are equal; no model is asked again, but for what was in flight; every write happens under one key."""
    assert check(processes, Place(tmp_path / "one", s3.url("one"), s3.options), undisturbed, 30, before=False)


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("before", [False, True])
def test_killed_at_each_of_its_commits_a_session_in_a_bucket_comes_to_the_same_end(
    tmp_path: Path, s3: S3Server, processes: Midwife, undisturbed: Any, *, before: bool
) -> None:
    """The same, for all of them, right after and just before. Nobody says --take-over: the dead process was on this machine."""
    kills = 0
    for commit in count(1, EVERY):
        place = Place(tmp_path / str(commit), s3.url(f"{before}-{commit}"), s3.options)
        if not check(processes, place, undisturbed, commit, before=before):
            break
        kills += 1
    assert kills > 50 // EVERY
