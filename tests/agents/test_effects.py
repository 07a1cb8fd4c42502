"""Keys of writes and handles of datasets, through the `darner` command and with processes that are really killed."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner
from darner.testing import ModelServer

from .. import warm
from ..desk import command

SPEC = """darner: 1
name: keyed
params:
  log: {type: str, help: a file}
models:
  small: {use: "openai:scripted", base_url: URL}
datasets:
  shelf: {use: files, type: "keyed_tools:Row", key: id, with: {url: shelf.jsonl}}
tools:
  book: {use: "keyed_tools:book", with: {log: $params.log}, effects: write, idempotent: true}
  count: {use: "keyed_tools:count", with: {rows: $datasets.shelf}, effects: read}
agents:
  clerk: {model: small, prompt: "Book {{ input }}.", input: str, output: str, tools: [book, count], limits: {turns: 5}}
flow:
  inputs: str
  steps:
    ask: {use: clerk, with: {input: $inputs}}
  outputs: $ask
"""
TOOLS = '''
import os, signal
from pathlib import Path
from typing import Any
from pydantic import BaseModel
from darner import Network

class Row(BaseModel):
    id: str
    title: str

def book(item: str, log: str, idempotency_key: str) -> str:
    """Book something; two lives end in it, and one attempt fails."""
    with Path(log).open("a") as file:
        file.write(idempotency_key + "\\n")
    tries = len(Path(log).read_text().split())
    if tries in (1, 3):
        os.kill(os.getpid(), signal.SIGKILL)
    if tries == 2:
        raise Network("the shop's line broke")
    return f"booked {item}"

def count(rows: Any) -> int:
    """Count the rows of the shelf."""
    return sum(1 for row in rows.scan() if row["title"])
'''
SCRIPT = """
replies:
  - {when: {turn: 1}, call: {count: {}}}
  - {when: {result: count}, call: {book: {item: "mug {result}"}}}
  - {when: {result: book}, text: "{result}"}
"""


def test_a_key_is_the_same_over_attempts_and_over_lives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed in the write, failed in the next life, killed again, then done: four calls, one key; and no request is made twice."""
    (tmp_path / "keyed_tools.py").write_text(TOOLS, encoding="utf-8")
    (tmp_path / "shelf.jsonl").write_text('{"id": "1", "title": "mug"}\n{"id": "2", "title": "pot"}\n', encoding="utf-8")
    (tmp_path / "in.json").write_text('"a mug"', encoding="utf-8")
    log, store = tmp_path / "log", str(tmp_path / "store")
    with ModelServer(SCRIPT) as server:
        (tmp_path / "spec.yaml").write_text(SPEC.replace("URL", json.dumps(server.base_url)), encoding="utf-8")
        words = [
            "run",
            str(tmp_path / "spec.yaml"),
            "--set",
            f"log={log}",
            "--inputs",
            str(tmp_path / "in.json"),
            "--run",
            "r",
            "--store",
            store,
        ]
        for given in (words, ["resume", "r", "--store", store]):
            done = warm.run(command(*given), imports=warm.MODELS)
            assert done.returncode == -signal.SIGKILL, done.stderr
        assert darner(["resume", "r", "--store", store, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["outputs"] == "booked mug 2"
        assert server.requests == 3
    keys = log.read_text(encoding="utf-8").split()
    assert (len(keys), len(set(keys))) == (4, 1)
