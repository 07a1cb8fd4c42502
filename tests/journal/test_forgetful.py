"""A bucket whose server ignores conditional writes is refused, unless somebody takes care that there is one writer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner
from darner.runtime.failures import StoreError
from darner.runtime.journal.store import open_store
from darner.runtime.perform.people import replies

from .forgetful import forgetful

SPEC = """\
darner: 1
name: tiny
flow:
  inputs: str
  steps:
    greet: {use: tiny:greet, with: $inputs}
  outputs: $greet
"""
ASKING = """\
darner: 1
name: tiny
humans: {guest: {ask: "What do you drink?", answer: str}}
flow:
  steps:
    drink: {use: guest}
  outputs: $drink
"""
PYTHON = """\
def greet(name: str) -> str:
    return f"hello {name}"
"""


@pytest.fixture
def endpoint() -> Iterator[str]:
    with forgetful() as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny.yaml").write_text(SPEC)
    (tmp_path / "tiny.py").write_text(PYTHON)
    told = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_server_that_ignores_conditions_is_refused_and_accepted_knowingly(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 with the reason and the way out; with --single-writer, on the line or in the target, runs are kept there."""
    run = ["run", "tiny.yaml", "-i", "inputs=ada", "--run", "r", "--store", "s3://darner/x"]
    assert darner(run) == 1
    told = capsys.readouterr().err
    assert "ignores conditional writes" in told
    assert "--single-writer" in told
    for _ in range(2):
        assert darner([*run, "--json", "--single-writer"]) == 0
        assert json.loads(capsys.readouterr().out)["outputs"] == "hello ada"
    assert darner(["resume", "r", "--store", "s3://darner/x", "--json", "--single-writer"]) == 0
    capsys.readouterr()
    assert darner(["ps", "--store", "s3://darner/x"]) == 1
    (folder / "darner.toml").write_text('[target.shop]\nstore = "s3://darner/x"\n[target.shop.s3]\nsingle_writer = true\n')
    capsys.readouterr()
    assert darner(["ps", "--target", "shop"]) == 0
    assert "r  done" in capsys.readouterr().out


def test_what_is_due_in_an_accepted_one_is_woken(folder: Path, endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each run is gone on with in a process of its own, which is told that there is one writer, too."""
    (folder / "tiny.yaml").write_text(ASKING)
    place = ["--store", "s3://darner/x", "--json", "--single-writer"]
    assert darner(["run", "tiny.yaml", "--run", "r", *place]) == 3
    options = {"endpoint_url": endpoint, "key": "a", "secret": "b", "region": "us-east-1", "single_writer": True}
    replies.reply(open_store("s3://darner/x", options), "r", ["tea"], "ada")
    capsys.readouterr()
    assert darner(["resume", "--due", *place]) == 0
    assert json.loads(capsys.readouterr().out) == {"resumed": [{"run": "r", "status": "done"}]}


def test_even_an_accepted_one_is_looked_at_before_it_is_written(endpoint: str) -> None:
    """One process after the other is still told apart."""
    options = {"endpoint_url": endpoint, "key": "a", "secret": "b", "region": "us-east-1"}
    with pytest.raises(StoreError, match="ignores conditional writes"):
        open_store("s3://darner/x", options)
    store = open_store("s3://darner/x", {**options, "single_writer": True})
    assert store.create("owners/a", b"one")
    assert not store.create("owners/a", b"two")
    assert store.get("owners/a") == b"one"
    store.put("runs/a/b", b"x")
    assert (store.names("runs"), store.folders("runs")) == (["runs/a/b"], ["a"])
    store.delete("runs/a")
    assert store.names("runs") == []
