"""Runs in buckets by the command: in each kind of bucket, and taken over from a process that lives."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner
from darner.runtime.events import CallFinished, TakenUp
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store

from .. import warm
from ..desk import command
from ..servers import BucketServer, S3Server
from .test_forgetful import PYTHON, SPEC

ORDERS = Path(__file__).parents[1] / "flow" / "orders"
SECTIONS = {"s3": "s3", "gs": "gcs", "az": "azure"}


@pytest.mark.parametrize("kind", SECTIONS)
def test_a_flow_runs_is_shown_and_gone_on_with_in_every_kind_of_bucket(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The target names the store and how to get in; nothing else differs from a folder."""
    server: S3Server | BucketServer = request.getfixturevalue(kind)
    options = "".join(f"{name} = {json.dumps(value)}\n" for name, value in server.options.items())
    (tmp_path / "darner.toml").write_text(
        f'[target.cloud]\nstore = "{server.url("by-command")}"\n[target.cloud.{SECTIONS[kind]}]\n{options}'
    )
    (tmp_path / "tiny.yaml").write_text(SPEC)
    (tmp_path / "tiny.py").write_text(PYTHON)
    monkeypatch.chdir(tmp_path)
    place = ["--target", "cloud"]
    for words in (["run", "tiny.yaml", "-i", "inputs=ada", "--run", "r"], ["resume", "r"]):
        assert darner([*words, *place, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["outputs"] == "hello ada"
    assert darner(["show", "r", *place]) == 0
    assert "done" in capsys.readouterr().out
    assert darner(["ps", *place, "--json"]) == 0
    assert [(one["run"], one["status"], one["holder"]) for one in json.loads(capsys.readouterr().out)["runs"]] == [("r", "done", None)]


def waited(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def start(environment: Mapping[str, str], *words: str) -> warm.Process:
    return warm.Process(command(*words), env=os.environ | dict(environment))


def test_a_living_process_keeps_its_run_until_somebody_takes_it_over_and_then_says_so(s3: S3Server, tmp_path: Path) -> None:
    """Without --take-over exit 2 and the owner's name; with it the run goes on here, and the old owner stops with a clear message."""
    url, gate = s3.url("taken-over"), tmp_path / "gate"
    place = ["--store", url]
    given = ["run", str(ORDERS / "waiting.yaml"), "--set", f"gate={gate}", "--run", "r", "-i", "customer=ada", "-i", 'skus=["ab", "cde"]']
    store = open_store(url, s3.options)
    with start(s3.environment, *given, *place) as first:
        waited(lambda: any(isinstance(event, CallFinished) for event in read_events(store, "r")))
        with start(s3.environment, "resume", "r", *place) as second:
            _, told = second.communicate(timeout=120)
        assert second.returncode == 2
        assert f"held by process {first.pid} on" in told
        assert "--take-over" in told
        with start(s3.environment, "resume", "r", "--take-over", "--json", *place) as third:
            waited(lambda: sum(isinstance(event, TakenUp) for event in read_events(store, "r")) == 2)
            gate.write_text("open")
            out, told = third.communicate(timeout=120)
        assert third.returncode == 0, told
        assert json.loads(out)["outputs"] == 2
        _, told = first.communicate(timeout=120)
    assert first.returncode == 1, told
    assert f"process {third.pid} on" in told
    assert "has taken the run r over" in told
    assert "Traceback" not in told
