"""specs/hello with its run in a bucket of a real S3 server: killed at every journal commit in turn, and by the command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import count

import pytest

from darner.runtime.events import TakenUp
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.testing import ModelServer

from .. import warm
from ..births import Midwife, midwife
from ..desk import command
from ..servers import S3Server
from . import mortal
from .test_survives_kill import ANSWER, REQUESTS, SCRIPT, life


@pytest.fixture(scope="module")
def processes(s3: S3Server) -> Iterator[Midwife]:
    """Real processes, forked from one that has imported everything, which find the server in their environment."""
    with midwife(mortal, s3.environment) as made:
        yield made


@pytest.mark.soak
@pytest.mark.parametrize("before", [False, True])
def test_killed_at_any_commit_a_run_in_a_bucket_pays_nothing_twice(s3: S3Server, processes: Midwife, *, before: bool) -> None:
    """Right after a commit nothing is in flight, and the server is asked exactly as often; just before it, one answer may be lost.

    Nobody has to say --take-over: the dead process was on this machine, and that it is dead can be seen.
    """
    for commit in count(1):
        url = s3.url(f"{before}-{commit}")
        with ModelServer(SCRIPT) as server:
            died = processes.run(life(url, server, commit, before=before)) is None
            told = processes.run(life(url, server))
        assert (told["status"], told["outputs"]) == ("done", ANSWER), f"killed at commit {commit}"
        assert server.requests in ((REQUESTS, REQUESTS + 1) if before else (REQUESTS,)), f"killed at commit {commit}"
        epochs = [event.epoch for event in read_events(open_store(url, s3.options), "it") if isinstance(event, TakenUp)]
        assert epochs in ([1, 2], [2], [1]), f"killed at commit {commit}"
        if not died:
            assert commit > 5
            return


def test_the_command_runs_and_shows_a_run_in_a_bucket(s3: S3Server) -> None:
    """Run, run again, show, ps: the same words with another --store."""
    environment = {**{name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}, **s3.environment}

    def darner(*words: str) -> dict[str, object]:
        line = command(*words, "--store", s3.url("command"), "--json")
        done = warm.run(line, imports=warm.MODELS, env=environment)
        assert done.returncode == 0, done.stderr
        told: dict[str, object] = json.loads(done.stdout)
        return told

    for _ in range(2):
        told = darner("run", str(mortal.HELLO), "-i", "city=Paris", "--target", "scripted", "--run", "it")
        assert (told["status"], told["outputs"]) == ("done", ANSWER)
    assert darner("show", "it")["status"] == "done"
    runs = darner("ps")["runs"]
    assert isinstance(runs, list)
    assert [(one["run"], one["status"], one["holder"]) for one in runs] == [("it", "done", None)]
