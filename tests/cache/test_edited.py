"""Code that is edited between a crash and the resume: what the new code gives is stored as the new code's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .. import warm
from ..desk import command

SPEC = """\
darner: 1
name: prices
params: {gate: {type: str}}
tools:
  price: {use: pricing:price, effects: read, cache: shared}
flow:
  inputs: pricing:Wish
  steps:
    gate: {use: pricing:gate, with: {path: $params.gate}}
    price: {use: price, with: {item: $inputs.item}, after: [gate]}
  outputs: $price
"""
CODE = '''\
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Wish:
    item: str


def gate(path: str) -> bool:
    if not Path(path).exists():
        raise ValueError("not yet")
    return True


def price(item: str) -> str:
    """Say what something costs."""
    return f"{item}: 1 EUR"
'''


class Shop:
    """Runs of one spec, a process each, over Python that is edited between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = folder / "pricing.py"
        self.code.write_text(CODE)
        (folder / "prices.yaml").write_text(SPEC)

    def __call__(self, *words: str, code: int = 0) -> Any:
        """Run a command, and return the object that it prints."""
        line = [*command(*words), "--store", str(self.folder / "store"), "--json"]
        done = warm.run(line, cwd=self.folder)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def run(self, name: str, code: int = 0) -> Any:
        """Run the spec under a name."""
        return self("run", "prices.yaml", "--set", "gate=open", "-i", "item=mug", "--run", name, code=code)

    def edit(self, old: str, new: str) -> None:
        """Change the code."""
        text = self.code.read_text()
        assert old in text
        self.code.write_text(text.replace(old, new))


@pytest.mark.parametrize("is_broken", [False, True], ids=["spec compiles", "spec is broken"])
def test_a_resumed_run_stores_what_it_does_under_the_code_that_did_it(tmp_path: Path, *, is_broken: bool) -> None:
    """Neither is the new code's result served for the old code, nor is it told as drift."""
    shop = Shop(tmp_path)
    assert shop.run("r1", code=1)["status"] == "failed"
    shop.edit("1 EUR", "2 EUR")
    (tmp_path / "open").touch()
    if is_broken:
        (tmp_path / "prices.yaml").write_text("darner: 1\nname: prices\nflow: {}\n")
    assert shop("resume", "r1")["outputs"] == "mug: 2 EUR"
    assert shop("show", "r1", "--drift")["drift"] == []
    (tmp_path / "prices.yaml").write_text(SPEC)
    assert shop.run("r2")["outputs"] == "mug: 2 EUR"
    assert len(shop("cache", "ls")["results"]) == 1
    shop.edit("2 EUR", "1 EUR")
    assert shop.run("r3")["outputs"] == "mug: 1 EUR"
    assert len(shop("cache", "ls")["results"]) == 2
