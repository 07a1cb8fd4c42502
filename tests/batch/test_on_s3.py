"""A whole job whose state is in a bucket, killed and gone on with, on a real S3 server."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from darner.runtime.journal.store import open_store

from .. import warm
from ..servers import S3Server

SPEC = """\
darner: 1
name: wordy
datasets:
  feed: {use: files, type: wordy:Thing, key: id, with: {url: feed.jsonl}}
  out: {use: parquet, type: wordy:Counted, key: id, with: {url: out}}
resources:
  small: {cpu: 1, memory: 1Gi, workers: 1}
job:
  source: feed
  stages:
    - {name: count, use: wordy:count, resources: small}
    - {name: weigh, use: wordy:weigh, resources: small}
  sink: {to: out}
  checkpoint: {rows: 100}
"""
PYTHON = '''\
import time

from pydantic import BaseModel


class Thing(BaseModel):
    id: str
    text: str


class Counted(Thing):
    words: int


def count(thing: Thing) -> Counted:
    """Slow enough to be killed in the middle, and leaving a line for each call."""
    time.sleep(0.004)
    with open("calls", "a") as calls:
        calls.write(thing.id + "\\n")
    return Counted(**thing.model_dump(), words=len(thing.text.split()))


def weigh(thing: Counted) -> Counted:
    return thing.model_copy(update={"words": thing.words * 2})
'''
ROWS, SHARD = 800, 100


def laid_out(folder: Path) -> Path:
    folder.mkdir()
    (folder / "wordy.yaml").write_text(SPEC)
    (folder / "wordy.py").write_text(PYTHON)
    lines = [json.dumps({"id": f"t{number:05}", "text": "word " * (number % 7)}) for number in range(ROWS)]
    (folder / "feed.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def start(folder: Path, store: str, environment: Mapping[str, str]) -> warm.Process:
    command = [str(Path(sys.executable).with_name("darner")), "run", "wordy.yaml", "--json", "--store", store]
    with (folder / "log").open("ab") as log:
        return warm.Process(command, imports=warm.JOBS, cwd=folder, stdout=log, stderr=log, env=os.environ | dict(environment))


def outcome(folder: Path) -> list[dict[str, Any]]:
    table = pq.read_table(folder / "out").select(["id", "text", "words"])
    found: list[dict[str, Any]] = table.sort_by("id").to_pylist()
    return found


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text().split() if path.exists() else []


def test_a_job_in_a_bucket_goes_on_after_kill_9(tmp_path: Path, s3: S3Server) -> None:
    """The driver is killed once a few shards are done; the next one ends with the undisturbed run's rows, paid for once."""
    calm, killed = laid_out(tmp_path / "calm"), laid_out(tmp_path / "killed")
    assert start(calm, "store", {}).wait(timeout=240) == 0, (calm / "log").read_text()
    url = s3.url("jobs-of-the-shop")
    process = start(killed, url, s3.environment)
    waited_until(lambda: len(calls(killed)) > 2 * SHARD, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(calls(killed))
    assert SHARD < before < ROWS
    assert start(killed, url, s3.environment).wait(timeout=240) == 0, (killed / "log").read_text()
    store = open_store(url, s3.options)
    assert [name for name in store.names("jobs/wordy") if name.endswith("manifest.json")]
    assert outcome(killed) == outcome(calm)
    assert len(calls(killed)) <= ROWS + SHARD, "at most the shard that was under way is computed again"


def waited_until(reached: Any, process: warm.Process) -> None:
    deadline = time.monotonic() + 240
    while not reached():
        assert process.poll() is None, "the job ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
