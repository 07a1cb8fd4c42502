"""A model that answers garbage for ever, by the `darner` command: its attempts end it, and after the fix the run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner

SPEC = """darner: 1
name: garbled
params:
  log: {type: str, help: where calls are noted}
models:
  small: {use: "openai:scripted", base_url: "http://127.0.0.1:1/v1"}
tools:
  before: {use: "misbehaving_tools:fine", with: {log: $params.log}, effects: write}
agents:
  judge: {model: small, prompt: "Judge {{ input }}.", input: str, output: "list[int]", limits: {turns: 5, tokens: 10000}}
flow:
  steps:
    before: {use: before, with: {item: a}}
    judged: {use: judge, with: $before}
  outputs: $judged
"""


def test_a_model_that_answers_garbage_for_ever_ends_its_step_and_the_run_goes_on_after_the_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three attempts, class semantic, with the place. What was refused is asked for anew by a plain `resume`.

    What was done before is not done again.
    """
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "misbehaving_tools.py").write_text((Path(__file__).parent / "tools.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "darner.toml").write_text('[target.scripted.models.small]\nscript = "script.yaml"\n', encoding="utf-8")
    script, log = tmp_path / "script.yaml", tmp_path / "log"
    script.write_text("replies: [{text: '%%% garbage %%%'}]", encoding="utf-8")
    place = ["--store", str(tmp_path / "store"), "--target", "scripted", "--json"]
    assert darner(["run", str(tmp_path / "spec.yaml"), "--set", f"log={log}", "--run", "r", *place]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "failed"
    assert "spec.yaml:14:5: step judged failed (semantic" in err
    assert err.endswith(f"after a fix go on with: darner resume r --store {tmp_path / 'store'}\n")
    script.write_text("replies: [{answer: [1, 2]}]", encoding="utf-8")
    assert darner(["resume", "r", *place]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == [1, 2]
    assert len(log.read_text(encoding="utf-8").splitlines()) == 1
