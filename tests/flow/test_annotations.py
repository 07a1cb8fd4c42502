"""Annotations that name what is there for type checkers only."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..desk import Desk

SPEC = """darner: 1
name: checked
tools:
  price: {use: "MODULE:price", effects: read}
flow:
  steps:
    two: {use: "MODULE:two"}
    cost: {use: price, with: {net: $two}}
    total: {use: "MODULE:total", with: {cost: $two}}
  outputs: {cost: $cost, total: $total}
"""
STEPS = """
from __future__ import annotations
from typing import TYPE_CHECKING, Any
if TYPE_CHECKING:
    from decimal import Decimal

def two() -> Any:
    return 2

def price(net: int) -> Decimal:
    return net + 1

def total(cost: int) -> Decimal:
    return cost * 2
"""


def run(folder: Path, capsys: pytest.CaptureFixture[str], module: str, steps: str) -> tuple[int, Desk]:
    """Run the spec with these steps, in a module of their own."""
    (folder / "checked.yaml").write_text(SPEC.replace("MODULE", module), encoding="utf-8")
    (folder / f"{module}.py").write_text(steps, encoding="utf-8")
    desk = Desk(folder, capsys)
    return desk("run", str(folder / "checked.yaml"), "--run", "r", "--json"), desk


def test_what_a_function_gives_may_be_known_to_type_checkers_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tool's and a step's: the value is taken as it is."""
    code, desk = run(tmp_path, capsys, "checked_right", STEPS)
    assert code == 0, desk.err
    assert desk.json()["outputs"] == {"cost": 3, "total": 4}


@pytest.mark.parametrize(("old", "who"), [("net: int", "the tool price"), ("cost: int", "checked_cost:total")])
def test_what_a_parameter_is_must_be_known_when_the_program_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, who: str
) -> None:
    """Otherwise nobody could check what it is given; it is refused before anything runs, and the help says what to do."""
    name, _, _ = old.partition(":")
    code, desk = run(tmp_path, capsys, f"checked_{name}", STEPS.replace(old, f"{name}: Decimal"))
    assert code == 2
    assert f"the annotations of {who} can't be read: NameError: name 'Decimal' is not defined" in desk.err
    assert "import what its parameters name where the program runs" in desk.err
