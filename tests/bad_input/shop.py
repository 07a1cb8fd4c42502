"""A small flow whose store is damaged, filled up and repaired: through the `darner` command, in a folder or in a bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner
from darner.runtime.journal.store import open_store
from darner.runtime.ports import Store

SPEC = """darner: 1
name: shop
params:
  log: {type: str, help: where calls are noted}
tools:
  reserve: {use: "shop_steps:reserve", with: {log: $params.log}, effects: write}
  look: {use: "shop_steps:look", with: {log: $params.log}, effects: read}
  gate: {use: "shop_steps:gate", with: {log: $params.log}, effects: read}
flow:
  inputs: shop_steps:Wish
  steps:
    large: {use: look, with: {item: $inputs.item.name}}
    held: {use: reserve, with: {item: $inputs.item.name}, after: [large]}
    open: {use: gate, after: [held]}
    last: {use: "shop_steps:told", with: {large: $large, held: $held}, after: [open]}
  outputs: $last
"""
STEPS = '''"""The Python of the shop."""

from pathlib import Path

from pydantic import BaseModel


class Item(BaseModel):
    name: str
    size: str = "m"


class Wish(BaseModel):
    item: Item


def note(log: str, line: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(line + "\\n")


def look(log: str, item: str) -> str:
    note(log, f"look {item}")
    return "x" * 40_000


def reserve(log: str, item: str) -> str:
    note(log, f"reserve {item}")
    return f"held {item}"


def gate(log: str) -> str:
    note(log, "gate")
    if not Path(log).with_name("open").exists():
        raise RuntimeError("the gate is shut")
    return "open"


def told(large: str, held: str) -> str:
    return f"{held}, and {len(large)} letters"
'''
DONE = "held mug, and 40000 letters"


@dataclass
class Shop:
    """Runs the flow, and reads what the command prints. ``url`` is its store, which takes ``options``."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    url: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    out: str = ""
    err: str = ""

    def __post_init__(self) -> None:
        (self.folder / "shop.yaml").write_text(SPEC, encoding="utf-8")
        (self.folder / "shop_steps.py").write_text(STEPS, encoding="utf-8")
        self.url = self.url or str(self.folder / "store")

    def __call__(self, *words: str) -> int:
        """Run a command in this process, and return its exit code."""
        self.capsys.readouterr()
        code = darner([*words, "--store", self.url])
        self.out, self.err = self.capsys.readouterr()
        assert "Traceback" not in self.err
        return code

    def run(self, item: str = '{"name": "mug"}', *more: str) -> int:
        """Run the flow as r1."""
        spec = str(self.folder / "shop.yaml")
        return self("run", spec, "--set", f"log={self.folder / 'log'}", "-i", f"item={item}", "--run", "r1", "--json", *more)

    def resume(self) -> int:
        """Go on with r1."""
        return self("resume", "r1", "--json")

    def open_gate(self) -> None:
        """Let the third step pass."""
        (self.folder / "open").touch()

    @property
    def told(self) -> Any:
        """The one object on stdout."""
        [line] = self.out.splitlines()
        return json.loads(line)

    @property
    def calls(self) -> list[str]:
        """What was called so far."""
        return (self.folder / "log").read_text(encoding="utf-8").splitlines()

    @property
    def store(self) -> Store:
        """The store, for whoever damages it."""
        return open_store(self.url, self.options)
