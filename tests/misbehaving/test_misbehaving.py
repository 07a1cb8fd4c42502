"""Functions of a user's that do what they shouldn't, through the `darner` command: clear errors, nothing lost, nothing twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner

from .. import warm
from ..desk import command

SPEC = """darner: 1
name: misbehaving
params:
  log: {{type: str, help: where calls are noted}}
tools:
  before: {{use: misbehaving_tools:fine, with: {{log: $params.log}}, effects: write}}
  odd: {{use: "misbehaving_tools:{name}", with: {{log: $params.log}}, effects: {effects}}}
flow:
  steps:
    before: {{use: before, with: {{item: a}}}}
    odd: {{use: odd, after: [before]}}
  outputs: {{before: $before, odd: $odd}}
"""


class Bench:
    """A spec with one well-behaved write, and one tool that isn't."""

    def __init__(self, folder: Path, name: str, effects: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.spec = folder / "spec.yaml"
        self.spec.write_text(SPEC.format(name=name, effects=effects), encoding="utf-8")
        (folder / "misbehaving_tools.py").write_text((Path(__file__).parent / "tools.py").read_text(encoding="utf-8"), encoding="utf-8")

    def words(self, *more: str) -> list[str]:
        """Return the words of a command that runs the spec."""
        return ["run", str(self.spec), "--set", f"log={self.log}", "--run", "r", "--store", str(self.folder / "store"), "--json", *more]

    def here(self, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
        """Run a command in this process; return its exit code, its one object, and what it told people."""
        capsys.readouterr()
        code = darner(list(words or self.words()))
        out, err = capsys.readouterr()
        [line] = out.splitlines()
        return code, json.loads(line), err

    def run(self, *words: str) -> tuple[int, Any, str]:
        """Run a command as a process of its own; return the same."""
        line = command(*(words or self.words()))
        done = warm.run(line)
        assert len(done.stdout.splitlines()) == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    def calls(self, name: str) -> int:
        """Return how often a tool was called."""
        return sum(line.split()[0] == name for line in self.log.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unstorable", "what the tool odd returned can't be kept"),
        ("circular", "what the tool odd returned can't be kept"),
        ("generator", "the tool odd returned a generator, which can't be kept"),
        ("makes_generator", "the tool odd returned a generator"),
        ("async_generator", "the tool odd returned a async_generator"),
        ("exits", "the tool odd left with SystemExit: 7"),
        ("exits_later", "the tool odd left with SystemExit"),
        ("raises_odd", "the tool odd left with Odd: odd"),
        ("interrupts", "the tool odd left with KeyboardInterrupt"),
        ("cancels", "the tool odd left with CancelledError"),
        ("stops", "StopIteration: no more"),
    ],
)
def test_a_tool_that_misbehaves_fails_its_step_with_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    """Exit 1, class error, the place in the spec; what was done before is kept, and not done again by a resume."""
    bench = Bench(tmp_path, name, "read")
    code, told, said = bench.here(capsys)
    assert (code, told["status"]) == (1, "failed")
    assert words in told["error"]
    assert "spec.yaml:11:5" in said
    assert bench.here(capsys, "resume", "r", "--store", str(tmp_path / "store"), "--json")[0] == 1
    assert (bench.calls("fine"), bench.calls(name)) == (1, 0 if name in {"generator", "async_generator"} else 2)


@pytest.mark.parametrize(
    ("name", "value"), [("coroutine", "awaited"), ("forks", "forked"), ("forks_async", "forked"), ("blocks", "blocked")]
)
def test_a_tool_that_is_merely_odd_is_taken_as_it_is_meant(tmp_path: Path, name: str, value: str) -> None:
    """A coroutine is awaited; the copy of a process that a fork left behind ends, and its parent's result counts."""
    bench = Bench(tmp_path, name, "read")
    code, told, _ = bench.run()
    assert (code, told["outputs"]) == (0, {"before": "fine a", "odd": value})
    assert (bench.calls("fine"), bench.calls(name)) == (1, 1)


def test_what_a_tool_prints_is_no_result(tmp_path: Path) -> None:
    """`--json` prints exactly one object on stdout, whatever tools and their programs print; people see that on stderr."""
    code, told, said = Bench(tmp_path, "prints", "read").run()
    assert (code, told["outputs"]["odd"]) == (0, "printed")
    for source in ("python", "the stream", "the descriptor", "a program"):
        assert f"from {source}" in said


@pytest.mark.parametrize("name", ["unstorable", "makes_generator"])
def test_a_write_whose_result_can_t_be_kept_has_happened_and_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """That it happened is recorded; `resume` fails in the same words, and calls nothing.

    Broken variant: it counts as a failed attempt, and the write happens once more.
    """
    bench = Bench(tmp_path, name, "write")
    first = bench.here(capsys)
    again = bench.here(capsys, "resume", "r", "--store", str(tmp_path / "store"), "--json")
    assert (first[0], again[0], bench.calls(name)) == (1, 1, 1)
    assert first[1]["error"] == again[1]["error"]
    assert "is not repeated" in first[2]


def test_what_a_function_does_to_its_arguments_stays_its_own_affair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next step sees what the first was given."""
    bench = Bench(tmp_path, "fine", "read")
    bench.spec.write_text(
        """darner: 1
name: misbehaving
params:
  log: {type: str, help: where calls are noted}
tools:
  mutates: {use: "misbehaving_tools:mutates", with: {log: $params.log}, effects: read}
flow:
  inputs: "list[str]"
  steps:
    one: {use: mutates, with: {items: $inputs}}
    two: {use: mutates, with: {items: $inputs}, after: [one]}
  outputs: $inputs
""",
        encoding="utf-8",
    )
    (tmp_path / "in.json").write_text('["a", "b"]', encoding="utf-8")
    assert darner(bench.words("--inputs", str(tmp_path / "in.json"))) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == ["a", "b"]
