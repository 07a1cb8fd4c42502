"""Commands on one store, over specs that a test writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner

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


class Desk:
    """Runs commands on one store and reads what they print."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.log = folder / "calls.log"
        self._capsys = capsys
        self.out = self.err = ""
        (folder / "kept").symlink_to(HERE / "kept")

    def spec(self, cache: str, *, seconds: float = 0.0, text: str = SPEC, name: str = "kept.yaml") -> Path:
        """Write a spec, and return where it is."""
        place = self.folder / name
        place.write_text(text.format(cache=cache, seconds=seconds))
        return place

    def __call__(self, *words: str) -> int:
        """Run a command in this process, and return its exit code."""
        self._capsys.readouterr()
        code = darner([*words, "--store", str(self.store)])
        self.out, self.err = self._capsys.readouterr()
        return code

    def run(self, spec: Path, names: list[str], *words: str) -> Any:
        """Run a spec to its end, and return its outputs."""
        code = self("run", str(spec), "--set", f"log={self.log}", "-i", f"names={json.dumps(names)}", "--json", *words)
        assert code == 0, self.err
        return self.json()["outputs"]

    def start(self, spec: Path, names: list[str], *words: str) -> subprocess.Popen[str]:
        """Start a run as a process of its own."""
        code = "import sys; from darner.runtime.cli.main import main; main(sys.argv[1:])"
        given = ["run", str(spec), "--set", f"log={self.log}", "-i", f"names={json.dumps(names)}", "--json", "--store", str(self.store)]
        return subprocess.Popen([sys.executable, "-c", code, *given, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def json(self) -> Any:
        """Return the one object on stdout."""
        [line] = self.out.splitlines()
        return json.loads(line)

    def calls(self) -> list[str]:
        """Return what was really called, sorted."""
        return sorted(self.log.read_text().splitlines()) if self.log.exists() else []
