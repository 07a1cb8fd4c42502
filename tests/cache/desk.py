"""Commands on one store, over specs that a test writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .. import desk, warm

HERE = Path(__file__).parent

SPEC = """\
# Weighs parcels; how results are shared is what the tests are about.
darner: 1
name: kept

params:
  log: {{type: str}}

tools:
  weigh: {{use: kept.things:weigh, effects: read, with: {{log: $params.log, seconds: {seconds}}}, cache: {cache}}}

flow:
  inputs: kept.things:Order
  steps:
    weights: {{use: weigh, with: $item, map: {{over: $inputs.names}}}}
  outputs: $weights
"""

LABELS = """\
# Writes labels in a plain step, which says itself how its results are shared.
darner: 1
name: labels

params:
  log: {{type: str}}

flow:
  inputs: kept.things:Order
  steps:
    label: {{use: kept.things:label, with: {{parcel: $inputs.parcel, log: $params.log}}, cache: {cache}}}
  outputs: $label
"""


class Desk(desk.Desk):
    """Commands on a store of results that are shared."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(folder, capsys)
        (folder / "kept").symlink_to(HERE / "kept")

    def spec(self, cache: str, *, seconds: float = 0.0, text: str = SPEC, name: str = "kept.yaml") -> Path:
        """Write a spec, and return where it is."""
        place = self.folder / name
        place.write_text(text.format(cache=cache, seconds=seconds))
        return place

    def run(self, spec: Path, names: list[str], *words: str) -> Any:
        """Run a spec to its end, and return its outputs."""
        assert self(*self._words(spec, names), *words) == 0, self.err
        return self.json()["outputs"]

    def start_run(self, spec: Path, names: list[str], *words: str) -> warm.Process:
        """Start a run as a process of its own."""
        return self.start(*self._words(spec, names), *words)

    def _words(self, spec: Path, names: list[str]) -> list[str]:
        return ["run", str(spec), "--set", f"log={self.log}", "-i", f"names={json.dumps(names)}", "--json"]

    def calls(self) -> list[str]:
        """Return what was really called, sorted."""
        return sorted(self.effects)
