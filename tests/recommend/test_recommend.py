"""The design's second example, run to its end: agents, plain Python in control, a branch, a shared cache, tools in processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .. import warm
from ..desk import command

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "recommend_compiles_as_it_stands"
SCRIPT = Path(__file__).parent / "script.yaml"
MODELS = '[target.scripted.models.{name}]\nscript = "script.yaml"\n'
SEARCH = '''
def search(index: Any, query: str, limit: int = 10) -> list[Product]:
    """Products that match a query: a double, there is no index."""
    return [Product(product_id=f"p{number}", title=query, description="", price=1.0) for number in range(min(limit, 3))]


def reviews('''


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the example with doubles for what this version or this machine can't give: the sandbox, the index."""
    folder = tmp_path / "shop_of_the_design"
    shutil.copytree(GOLDEN, folder, ignore=shutil.ignore_patterns("__pycache__", "plan.yaml"))
    spec = folder / "spec.yaml"
    text = spec.read_text(encoding="utf-8")
    assert "sandbox: {runtime: monty, timeout: 20s}, " in text
    spec.write_text(text.replace("sandbox: {runtime: monty, timeout: 20s}, ", ""), encoding="utf-8")
    tools = folder / "shop" / "tools.py"
    code = tools.read_text(encoding="utf-8").replace("from darner import Code\n", "Code = str\n")
    before, after = code.index("def search("), code.index("def reviews(")
    tools.write_text(code[:before] + SEARCH.lstrip() + code[after + len("def reviews(") :], encoding="utf-8")
    shutil.copy(SCRIPT, folder / "script.yaml")
    (folder / "darner.toml").write_text("".join(MODELS.format(name=name) for name in ("smart", "fast")), encoding="utf-8")
    return folder


def go(folder: Path, *words: str) -> tuple[int, Any, str]:
    line = command(*words, "--store", folder / "store", "--json")
    done = warm.run(line, imports=warm.MODELS, cwd=folder)
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


def test_the_second_example_of_the_design_runs(shop: Path) -> None:
    """Planned, researched in plain Python until the reviewer is content, ranked; the branch not taken is skipped."""
    given = ["-i", "text=boots for rain", "-i", "budget=90", "--target", "scripted", "--run", "r1"]
    code, told, said = go(shop, "run", str(shop / "spec.yaml"), *given)
    assert (code, told["status"]) == (0, "done"), said
    assert [one["product_id"] for one in told["outputs"]["items"]] == ["p0", "p1"]
    code, shown, _ = go(shop, "show", "r1")
    assert code == 0
    kinds = {one["step"]: one["status"] for one in shown["steps"]}
    assert (kinds["clarify"], kinds["hold"], kinds["research"]) == ("skipped", "skipped", "done")
