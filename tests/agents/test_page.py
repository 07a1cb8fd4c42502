"""The example of docs/agents.md runs as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"
FILES = ("shop.yaml", "shop.py", "script.yaml", "darner.toml")


def test_the_example_of_the_page_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Spec, Python, script and target, copied from the page; a script needs no secret."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for name, text in zip(FILES, blocks, strict=False):
        (tmp_path / name).write_text(text, encoding="utf-8")
    words = ["run", str(tmp_path / "shop.yaml"), "-i", "item=mug", "--target", "scripted", "--store", str(tmp_path / "store"), "--json"]
    assert darner(words) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == {"text": "mug is reserved. Call again, please!"}
