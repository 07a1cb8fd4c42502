"""A run that is taken over by force while everything is under way: the old owner stops, says so, and leaves nothing behind.

The old owner is the test's own process, which lives on: nothing of it ends merely because a process did.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner
from darner.runtime.events import CallFinished, RunFinished, StepFinished, TakenUp
from darner.runtime.journal import record
from darner.runtime.journal.log import read_events
from darner.runtime.journal.segments import read_history
from darner.runtime.journal.store import open_store
from darner.runtime.state import fold

from ..desk import command
from ..servers import S3Server
from .busy import WAITS, Busy, everything_is_over, one

SELL = 'sell: {use: "busy:sold", effects: write, idempotent: true}'
SOLD = "sold: {use: sell, with: {log: $params.log}}"


@pytest.fixture
def busy(tmp_path: Path, capsys: pytest.CaptureFixture[str], s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Busy]:
    pytest.importorskip("mcp")
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    with one(tmp_path, capsys) as found:
        yield found


def test_an_owner_whose_run_is_taken_over_stops_everything_and_says_so(
    busy: Busy, s3: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes nothing for an hour, with a request, a server, process trees, tasks and a write under way; it hears of it all the same.

    (It went on for that hour: it only heard of another owner where it wrote something.)
    """
    busy.prepare(more=SOLD, tools=SELL)
    url, told = s3.url("fenced"), list[str]()

    def take_over() -> None:
        busy.server.answers.set()
        (busy.log / "quick").touch()
        words = command("resume", "r1", "--take-over", "--json", "--store", url)
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as other:
            told.extend((*other.communicate(timeout=WAITS), str(other.returncode), str(other.pid)))

    thread = busy.when_busy(take_over)
    assert darner([*busy.words, "--store", url]) == 1
    old = capsys.readouterr().err
    thread.join(WAITS)
    everything_is_over(busy)
    out, err, code, pid = told
    assert code == "0", err
    assert f"process {pid} on" in old
    assert "has taken the run r1 over, and this process has stopped" in old
    assert "darner show r1" in old
    assert "Traceback" not in old
    the_new_owner_s_outcome_is_right(busy, url, json.loads(out)["outputs"])


def the_new_owner_s_outcome_is_right(busy: Busy, url: str, outputs: dict[str, object]) -> None:
    """Check outputs, journal and effects: nothing of the old owner follows the fence, and its write has one key."""
    assert outputs == {"caged": 0, "asked": {"text": "fine"}, "remote": {"result": "late"}, "coded": 1}
    store = open_store(url)
    records = read_history(store, "r1").records
    fence = next(index for index, one in enumerate(records) if one.epoch == 2)
    assert record.mark(records[fence], "fence") is not None
    assert {one.nonce for one in records[fence:]} == {records[fence].nonce}
    assert not {one.nonce for one in records[:fence]} & {records[fence].nonce}
    events = list(read_events(store, "r1"))
    taken = [index for index, one in enumerate(events) if isinstance(one, TakenUp)]
    assert len(taken) == 2
    assert not [one for one in events[: taken[1]] if isinstance(one, CallFinished | StepFinished | RunFinished)]
    state = fold(events)
    assert state.finished is not None
    assert state.finished.status == "done"
    assert state.requests == 1
    keys = (busy.log / "sold").read_text().split()
    assert len(keys) == 2
    assert len(set(keys)) == 1
