"""A tool that ends its process without a word (`os._exit`, a crash in C): what was done stays, and nothing goes round for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .. import warm
from ..desk import command
from .test_misbehaving import Bench

CAGED = """darner: 1
name: misbehaving
params:
  log: {{type: str, help: where calls are noted}}
resources:
  small: {{memory: 512Mi}}
tools:
  before: {{use: misbehaving_tools:fine, with: {{log: $params.log}}, effects: write}}
  odd: {{use: "misbehaving_tools:leaves", with: {{log: $params.log}}, effects: {effects}, resources: small}}
flow:
  steps:
    before: {{use: before, with: {{item: a}}}}
    odd: {{use: odd, after: [before]}}
  outputs: {{before: $before, odd: $odd}}
"""
FOUND = '''

def found() -> str | None:
    """Say what came of the write."""
    return "it happened"
'''


def run(bench: Bench, *words: str) -> tuple[int, Any]:
    """Run a command that may end without a word; return its exit code, and its object if there is one."""
    done = warm.run(command(*words), cwd=bench.folder)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else None


def test_a_read_that_ends_the_process_is_given_up_after_three_lives_that_came_to_nothing(tmp_path: Path) -> None:
    """Its process is gone with the tool's own code; `resume` tries again, until three lives in a row came to nothing: then it says why."""
    bench = Bench(tmp_path, "leaves", "read")
    resume = ["resume", "r", "--store", str(tmp_path / "store"), "--json"]
    assert run(bench, *bench.words()) == (9, None)
    assert [run(bench, *resume)[0] for _ in range(3)] == [9, 9, 9]
    code, told = run(bench, *resume)
    assert (code, told["status"]) == (1, "failed")
    assert "3 processes in a row were killed" in told["error"]
    assert "darner resume" in told["error"]
    assert (bench.calls("fine"), bench.calls("leaves")) == (1, 4)
    tools = tmp_path / "misbehaving_tools.py"
    tools.write_text(tools.read_text(encoding="utf-8").replace("os._exit(9)", 'return "mended"'), encoding="utf-8")
    code, told = run(bench, *resume)
    assert (code, told["outputs"]) == (0, {"before": "fine a", "odd": "mended"})
    assert bench.calls("fine") == 1


def test_a_write_that_ends_the_process_is_not_repeated(tmp_path: Path) -> None:
    """Nobody knows whether it happened: the next life says so, and what to type, by its names; what it says is so."""
    bench, store = Bench(tmp_path, "leaves", "write"), ["--store", str(tmp_path / "store"), "--json"]
    assert run(bench, *bench.words()) == (9, None)
    happened = "give odd a `reconcile` that returns its result, and go on with `darner resume r --plan new`"
    for _ in range(2):
        code, told = run(bench, "resume", "r", *store)
        assert (code, told["status"]) == (1, "failed")
        for said in ("may or may not have happened", "`darner resume r --redo odd`", happened):
            assert said in told["error"]
    tools = tmp_path / "misbehaving_tools.py"
    tools.write_text(tools.read_text(encoding="utf-8") + FOUND, encoding="utf-8")
    spec = bench.spec.read_text(encoding="utf-8")
    bench.spec.write_text(
        spec.replace("effects: write}\nflow", 'effects: write, reconcile: "misbehaving_tools:found"}\nflow'), encoding="utf-8"
    )
    code, told = run(bench, "resume", "r", "--plan", "new", *store)
    assert (code, told["outputs"]["odd"]) == (0, "it happened")
    assert (bench.calls("fine"), bench.calls("leaves")) == (1, 1)


@pytest.mark.parametrize(("effects", "calls"), [("read", 3), ("write", 1)])
def test_a_tool_with_resources_ends_its_own_process_only(tmp_path: Path, effects: str, calls: int) -> None:
    """Class crashed: a read is tried three times, a write once; the run lives, and says what happened, with its place."""
    bench = Bench(tmp_path, "leaves", effects)
    bench.spec.write_text(CAGED.format(effects=effects), encoding="utf-8")
    code, told, said = bench.run()
    assert (code, told["status"]) == (1, "failed")
    assert "step odd failed (crashed" in said
    assert "spec.yaml:13:5" in said
    assert (bench.calls("fine"), bench.calls("leaves")) == (1, calls)
