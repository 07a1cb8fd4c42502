"""A loop that fails, and a person who is asked about it: through the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner

SPEC = """
darner: 1
name: digging
params:
  log: {type: str}
tools:
  dig: {use: digging_steps:dig, effects: write, idempotent: true, with: {log: $params.log}}
  measure: {use: digging_steps:measure, effects: read, with: {log: $params.log}}
humans:
  boss: {ask: "{{ step }}: {{ message }}"}
flow:
  steps:
    start: {use: digging_steps:start}
    hole:
      loop:
        state: $start
        max_rounds: 2
        next: digging_steps:judge
        with: {depth: $deeper, goal: 3}
        steps:
          dug: {use: dig, with: {depth: $state.depth}}
          deeper: {use: measure, with: {depth: $state.depth}, after: [dug]}
      on_failure: {exhausted: {ask: boss}, error: {ask: boss}}
    told: {use: digging_steps:tell, with: {hole: $hole}}
  outputs: {hole: $hole, told: $told}
"""
STEPS = '''
"""A hole that gets deeper."""

from pathlib import Path
from pydantic import BaseModel

from darner import Bail, Continue, Stop


class Hole(BaseModel):
    depth: int


def note(log: str, line: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(line + "\\n")


def start() -> Hole:
    return Hole(depth=0)


def dig(depth: int, log: str) -> None:
    note(log, f"dig {depth}")
    if Path(log + ".stone").exists():
        raise RuntimeError("there is a stone")


def measure(depth: int, log: str) -> int:
    note(log, f"measure {depth}")
    return -1 if Path(log + ".water").exists() else depth + 1


def judge(depth: int, goal: int) -> Continue[Hole] | Stop[Hole] | Bail:
    if depth < 0:
        return Bail("there is water")
    return Stop(Hole(depth=depth)) if depth >= goal else Continue(Hole(depth=depth))


def tell(hole: Hole) -> str:
    return f"{hole.depth} deep"
'''


class Site:
    """One run of the loop, and what its tools did."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.log = folder / "log"
        (folder / "digging.yaml").write_text(SPEC, encoding="utf-8")
        (folder / "digging_steps.py").write_text(STEPS, encoding="utf-8")

    def __call__(self, *words: str) -> tuple[int, Any]:
        """Run a command; return its exit code and the object that it printed."""
        self._capsys.readouterr()
        code = darner([*words, "--store", str(self.folder / "store"), "--json"])
        out, self.err = self._capsys.readouterr()
        return code, json.loads(out) if out else None

    def run(self) -> tuple[int, Any]:
        """Dig."""
        return self("run", str(self.folder / "digging.yaml"), "--set", f"log={self.log}", "--run", "r1")

    def answer(self, words: str) -> tuple[int, Any]:
        """Answer what is asked about the loop, and go on."""
        return self("answer", "r1", words, "--resume")

    @property
    def done(self) -> list[str]:
        """What the tools did since this was last asked."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        self.log.write_text("", encoding="utf-8")
        return lines


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


ROUND = {number: [f"dig {number}", f"measure {number}"] for number in range(4)}


def test_a_loop_that_may_go_round_more_often_goes_on_from_its_last_round(site: Site) -> None:
    """The person sees the last state; no round is done twice; too little is asked about once more."""
    code, told = site.run()
    assert code == 3, site.err
    [asked] = told["questions"]
    assert (asked["about"], asked["shown"]["step"], asked["shown"]["last"]) == ("rescue", "hole", {"depth": 2})
    assert "max_rounds" in asked["text"]
    assert asked["shown"]["calls"] > 0
    assert site.done == [*ROUND[0], *ROUND[1]]
    for wrong in ('raise {"rounds": 0}', 'raise {"rounds": true}', 'raise {"rounds": "3"}', 'raise {"moons": 3}'):
        assert site.answer(wrong)[0] == 2
    code, told = site.answer('raise {"rounds": 2}')
    assert code == 3
    assert site.done == []
    code, told = site.answer('raise {"rounds": 3}')
    assert (code, told["outputs"]) == (0, {"hole": {"depth": 3}, "told": "3 deep"})
    assert site.done == ROUND[2]


@pytest.mark.parametrize(
    ("words", "code", "outputs"),
    [
        ('value {"depth": 9}', 0, {"hole": {"depth": 9}, "told": "9 deep"}),
        ("skip", 0, {"hole": None, "told": None}),
        ("abort", 1, None),
    ],
)
def test_a_person_gives_a_loop_s_result_skips_it_or_lets_it_fail(site: Site, words: str, code: int, outputs: Any) -> None:
    """Nothing of it is done again."""
    assert site.run()[0] == 3, site.err
    assert site.done == [*ROUND[0], *ROUND[1]]
    got, told = site.answer(words)
    assert (got, told["outputs"]) == (code, outputs)
    assert site.done == []


def test_a_step_of_a_round_that_failed_is_tried_again_by_itself(site: Site) -> None:
    """What is done of the round stays done, and the loop goes on to its end."""
    stone = Path(f"{site.log}.stone")
    stone.touch()
    code, told = site.run()
    assert code == 3, site.err
    assert "round 1: dug: " in told["questions"][0]["text"]
    assert "there is a stone" in told["questions"][0]["shown"]["message"]
    stone.unlink()
    code, told = site.answer("retry")
    assert code == 3, site.err
    assert "max_rounds" in told["questions"][0]["text"]
    assert site.done == ["dig 0", *ROUND[0], *ROUND[1]]


def test_a_round_that_came_to_nothing_is_judged_anew_and_what_is_on_record_is_served(site: Site) -> None:
    """`retry` after a `Bail` does the round once more, at no cost where its calls are the same; so it is asked about again."""
    water = Path(f"{site.log}.water")
    water.touch()
    code, told = site.run()
    assert code == 3, site.err
    assert "there is water" in told["questions"][0]["text"]
    first = told["questions"][0]["question"]
    water.unlink()
    code, told = site.answer("retry look again")
    assert code == 3, site.err
    assert told["questions"][0]["question"] != first
    assert site.done == ROUND[0]
    code, told = site.answer('value {"depth": 1}')
    assert (code, told["outputs"]["told"]) == (0, "1 deep")
    assert site("show", "r1")[0] == 0
