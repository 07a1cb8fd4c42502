"""specs/hello, killed with SIGKILL at every journal commit in turn, against a model server that counts."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from darner.testing import ModelServer

from .. import warm
from ..births import Midwife, midwife
from ..desk import command
from . import mortal

SCRIPT = mortal.HELLO / "script.yaml"
ANSWER = {"text": "In Paris there is light rain at 11 degrees."}
REQUESTS = 2
"""What an undisturbed run asks the model."""


@pytest.fixture(scope="module")
def processes() -> Iterator[Midwife]:
    """Real processes, forked from one that has imported everything."""
    with midwife(mortal) as made:
        yield made


def life(store: Path | str, server: ModelServer, dies_at: int = 0, *, before: bool = False, run: str = "it") -> mortal.Life:
    """Return what one process does."""
    return mortal.Life(str(store), server.base_url, dies_at, before, run)


@pytest.mark.parametrize("before", [False, True])
def test_killed_at_any_commit_a_resumed_run_pays_nothing_twice(tmp_path: Path, processes: Midwife, *, before: bool) -> None:
    """Right after a commit nothing is in flight, and the server is asked exactly as often; just before it, one answer may be lost."""
    for commit in count(1):
        with ModelServer(SCRIPT) as server:
            store = tmp_path / str(commit)
            died = processes.run(life(store, server, commit, before=before)) is None
            told = processes.run(life(store, server))
            assert (told["status"], told["outputs"]) == ("done", ANSWER), f"killed at commit {commit}"
            assert server.requests in ((REQUESTS, REQUESTS + 1) if before else (REQUESTS,)), f"killed at commit {commit}"
        if not died:
            assert commit > 5
            return


def test_killed_again_and_again_a_run_gets_to_its_end(tmp_path: Path, processes: Midwife) -> None:
    """Every process dies after its second commit (the first only takes the run up): each goes one commit further."""
    with ModelServer(SCRIPT) as server:
        lives = 1
        while (told := processes.run(life(tmp_path, server, 2))) is None:
            lives += 1
            assert lives < 20
        assert (told["status"], told["outputs"]) == ("done", ANSWER)
        assert lives > 3
        assert server.requests == REQUESTS


@pytest.mark.parametrize("request_number", [1, 2])
def test_killed_while_a_request_is_under_way_only_that_one_is_asked_again(tmp_path: Path, processes: Midwife, request_number: int) -> None:
    """The server counts what the killed process had asked for: at most one more than undisturbed."""
    with ModelServer(SCRIPT, delay=1.5) as server:
        pid = processes.start(life(tmp_path, server))
        _wait_for(server, request_number)
        os.kill(pid, signal.SIGKILL)
        assert processes.told() is None
        server.delay = 0.0
        told = processes.run(life(tmp_path, server))
        assert (told["status"], told["outputs"]) == ("done", ANSWER)
        assert server.requests == REQUESTS + 1


def _wait_for(server: ModelServer, requests: int) -> None:
    until = time.monotonic() + 60
    while server.requests < requests:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_count_tells_when_a_run_is_forgotten(tmp_path: Path, processes: Midwife) -> None:
    """A resume that began anew would be seen: under another run's id, everything is asked once more."""
    with ModelServer(SCRIPT) as server:
        assert processes.run(life(tmp_path, server, 4)) is None
        processes.run(life(tmp_path, server, run="another"))
        assert server.requests > REQUESTS + 1


def test_the_command_runs_it_without_a_key_and_stops_its_server(tmp_path: Path) -> None:
    """One JSON object on stdout; the same run id again is served whole."""
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    line = command("run", mortal.HELLO, "-i", "city=Paris", "--target", "scripted", "--store", tmp_path, "--run", "it", "--json")
    for _ in range(2):
        done = warm.run(line, imports=warm.MODELS, env=env)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["status"], told["outputs"]) == ("done", ANSWER)


def test_the_command_refuses_to_start_without_a_key_or_a_target(tmp_path: Path) -> None:
    """The message names the secret, and nothing is stored."""
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    line = command("run", mortal.HELLO, "-i", "city=Paris", "--store", tmp_path)
    done = warm.run(line, imports=warm.MODELS, env=env)
    assert done.returncode == 2
    assert "the secret OPENAI_API_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*journal*"))
