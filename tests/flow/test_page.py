"""The example of docs/flows.md runs as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner

PAGE = Path(__file__).parents[2] / "docs" / "flows.md"


@pytest.mark.parametrize(
    ("words", "code", "outputs"),
    [
        (['beds=["rose", "oak", "lily"]'], 0, {"bed": "oak", "water": 6}),
        (['beds=["rhubarb"]'], 0, {"bed": "rhubarb", "water": 7}),
        (['beds=["oak"]', "--set", "rounds=1"], 1, None),
    ],
    ids=["a loop", "no loop", "a loop that gives up"],
)
def test_the_example_of_the_page_runs(
    words: list[str], code: int, outputs: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spec and Python, copied from the page: a map, a branch, a loop that stops, or gives up."""
    spec, python = re.findall(r"^```(?:yaml|python)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (tmp_path / "garden.yaml").write_text(spec, encoding="utf-8")
    (tmp_path / "garden.py").write_text(python, encoding="utf-8")
    told = darner(["run", str(tmp_path / "garden.yaml"), "-i", *words, "--store", str(tmp_path / "store"), "--json"])
    printed = capsys.readouterr()
    assert told == code, printed.err
    assert json.loads(printed.out)["outputs"] == outputs
