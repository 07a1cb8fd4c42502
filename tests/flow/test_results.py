"""What a flow's functions give, held against their annotations, through the `darner` command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .. import warm
from ..desk import command

SPEC = """darner: 1
name: results
flow:
  inputs: results_steps:Wish
  steps:
    sort: {{use: "results_steps:{name}", with: {{text: $inputs.text}}}}
    told: {{use: "results_steps:told", with: {{sorted: $sort}}}}
  outputs: $told
"""
STEPS = """
import dataclasses
from typing import Annotated, Any, Awaitable, Iterable, Literal
import darner
from pydantic import BaseModel

class Wish(BaseModel):
    text: str

class Sorted(BaseModel):
    kind: Literal["short", "long"]
    size: int = 0

def other(text: str) -> Sorted:
    return {"kind": "medium"}

def number(text: str) -> Sorted:
    return 5

async def nothing(text: str) -> Sorted:
    return None

def later(text: str) -> Awaitable[Sorted]:
    async def work():
        return {"kind": "medium"}
    return work()

def mapping(text: str) -> Sorted:
    return {"kind": "short"}

def instance(text: str) -> Sorted:
    return Sorted(kind="short")

def many(text: str) -> Iterable[Sorted]:
    return [Sorted(kind="short")]

def unsaid(text: str) -> Any:
    return {"kind": "short"}

@dataclasses.dataclass
class Kind:
    size: int

    def __call__(self, text: str) -> Sorted:
        return {"kind": "short", "size": self.size}

of_size = Kind(3)  # no hash: it can be compared, and changed

def noted(text: str) -> Annotated[Sorted, {"of": "sizes"}]:
    return {"kind": "short"}

class StandsForOne:
    __class__ = property(lambda self: int)

def proxy(text: str) -> int:
    return StandsForOne()

def hidden(text: str) -> Any:
    return StandsForOne()

def told(sorted: Any) -> Any:
    return sorted
"""


def ran(folder: Path, name: str, spec: str = SPEC, steps: str = STEPS) -> tuple[int, Any, str]:
    """Run the spec with one of its functions; return the exit code, the object on stdout, and what people were told."""
    (folder / "results_steps.py").write_text(steps, encoding="utf-8")
    (folder / "spec.yaml").write_text(spec.format(name=name), encoding="utf-8")
    words = ["run", str(folder / "spec.yaml"), "-i", "text=a", "--run", "r", "--store", str(folder / "store"), "--json"]
    done = warm.run(command(*words))
    assert "Traceback" not in done.stderr
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(
    ("name", "gave"),
    [
        ("other", "a value of type dict"),
        ("number", "a value of type int"),
        ("nothing", "None"),
        ("later", "a value of type dict"),
    ],
)
def test_a_result_that_is_not_what_its_annotation_says_fails_the_step(tmp_path: Path, name: str, gave: str) -> None:
    """Nothing downstream ever sees it; the error names the function, what it gave and what it promised."""
    code, told, err = ran(tmp_path, name)
    assert (code, told["status"], told["outputs"]) == (1, "failed", None)
    assert f"results_steps:{name} gave {gave}, and its annotation says Sorted" in err
    assert "step sort failed (error, WrongType)" in err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mapping", {"kind": "short", "size": 0}),
        ("instance", {"kind": "short", "size": 0}),
        ("many", [{"kind": "short", "size": 0}]),
        ("unsaid", {"kind": "short"}),
        ("of_size", {"kind": "short", "size": 3}),
        ("noted", {"kind": "short", "size": 0}),
    ],
)
def test_a_result_becomes_what_its_annotation_says(tmp_path: Path, name: str, value: Any) -> None:
    """A mapping given for a model has the model's defaults; one that says Any is taken at its word."""
    code, told, err = ran(tmp_path, name)
    assert (code, told["outputs"]) == (0, value), err


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("proxy", "proxy gave a value of type StandsForOne, and its annotation says int"),
        ("hidden", "what results_steps:hidden returned can't be kept: a value of type StandsForOne can't be stored"),
    ],
)
def test_what_only_stands_for_a_number_is_none(tmp_path: Path, name: str, why: str) -> None:
    """A proxy, or a double, names the class of what it stands for as its own. Kept like a number, it would come back as a text."""
    code, told, err = ran(tmp_path, name)
    assert (code, told["status"]) == (1, "failed")
    assert why in err


LOOP = """darner: 1
name: results
flow:
  inputs: results_steps:Wish
  steps:
    first: {{use: "results_steps:mapping", with: {{text: $inputs.text}}}}
    better:
      loop:
        state: $first
        max_rounds: 3
        next: results_steps:{name}
        with: {{state: $state}}
        steps:
          look: {{use: "results_steps:told", with: {{sorted: $state}}}}
  outputs: $better
"""
DECIDES = (
    STEPS
    + """
def decides(state: Sorted) -> darner.Continue[Sorted] | darner.Stop[Sorted]:
    return darner.Stop({"kind": "medium"})

def agrees(state: Sorted) -> darner.Continue[Sorted] | darner.Stop[Sorted]:
    return darner.Stop({"kind": "long"})
"""
)


def test_the_state_that_a_loop_s_next_gives_is_what_it_says(tmp_path: Path) -> None:
    """It is the next round's state, or the loop's result."""
    code, told, err = ran(tmp_path, "decides", LOOP, DECIDES)
    assert (code, told["status"]) == (1, "failed")
    assert "results_steps:decides, in Stop, gave a value of type dict, and its annotation says Sorted" in err
    (tmp_path / "other").mkdir()
    code, told, err = ran(tmp_path / "other", "agrees", LOOP, DECIDES)
    assert (code, told["outputs"]) == (0, {"kind": "long", "size": 0}), err


WRITES = """darner: 1
name: results
tools:
  sort: {{use: "results_steps:{name}", effects: write}}
flow:
  inputs: results_steps:Wish
  steps:
    sort: {{use: sort, with: {{text: $inputs.text}}}}
  outputs: $sort
"""


def test_a_write_whose_result_is_wrong_has_happened_and_is_not_repeated(tmp_path: Path) -> None:
    """Its result is recorded as wrong; no resume does it again."""
    noted = (
        STEPS
        + f"""
def write(text: str) -> Sorted:
    with open({str(tmp_path / "log")!r}, "a") as file:
        file.write("x")
    return {{"kind": "medium"}}
"""
    )
    for _ in range(2):
        code, told, err = ran(tmp_path, "write", WRITES, noted)
        assert (code, told["status"]) == (1, "failed"), err
        assert "the tool sort gave a value of type dict, and its annotation says Sorted" in err
    assert (tmp_path / "log").read_text(encoding="utf-8") == "x"
