"""A flow whose tools are an MCP server's, through the `darner` command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner
from darner.testing import ModelServer

pytest.importorskip("mcp")

HERE = Path(__file__).parent / "desks"
TRACKER = str(HERE / "tracker.py")


def words(folder: Path, spec: Path, *more: str, python: str = sys.executable) -> list[str]:
    """Return the words of a command that runs a spec."""
    (folder / "in.json").write_text('"mug"', encoding="utf-8")
    sets = {"log": folder / "log", "python": python, "server": TRACKER}
    given = [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]
    return ["run", str(spec), *given, "--inputs", str(folder / "in.json"), "--store", str(folder / "store"), "--run", "r", *more]


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the one object on stdout."""
    return json.loads(capsys.readouterr().out)


def test_steps_and_agents_call_the_tools_of_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By `desk.search` in the spec, by `desk_search` for the model; each call stands in the tree of the run."""
    assert darner(words(tmp_path, HERE / "desk.yaml", "--target", "scripted", "--json")) == 0
    assert told(capsys)["outputs"] == {"found": {"result": ["mug 0"]}, "opened": "opened 4"}
    noted = (tmp_path / "log").read_text(encoding="utf-8").split("\n")
    assert [line.split()[0] for line in noted if line] == ["started", "search", "search", "create"]
    assert darner(["show", "r", "--store", str(tmp_path / "store")]) == 0
    assert "tool desk.create_issue" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "words_said"),
    [
        ("tools: [search, create_issue]", "tools: [search, create_issue, close_issue]", "has no tool close_issue"),
        ("create_issue: write", "create_issue: read", "its server says that it changes something"),
    ],
)
def test_a_server_that_is_not_what_the_spec_says_is_refused_before_the_first_model_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, words_said: str
) -> None:
    """Exit 2; nothing was asked, and no run was begun."""
    with ModelServer("replies: [{text: fine}]") as server:
        text = (HERE / "desk.yaml").read_text(encoding="utf-8").replace(before, after).replace("http://127.0.0.1:1/v1", server.base_url)
        if "close_issue" in after:
            text = text.replace("create_issue: write", "create_issue: write, close_issue: write")
        spec = tmp_path / "desk.yaml"
        spec.write_text(text, encoding="utf-8")
        assert darner(words(tmp_path, spec)) == 2
        assert words_said in capsys.readouterr().err
        assert server.requests == 0
    assert not (tmp_path / "store/runs/r").exists()


def test_a_step_calls_the_tools_of_a_server_from_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`desk.create_issue` is handed to the parameter `desk_create_issue`; each call is a node of the run."""
    given = words(tmp_path, HERE / "calls.yaml", "--json")
    (tmp_path / "in.json").write_text('["a", "bcd"]', encoding="utf-8")
    assert darner(given) == 0
    assert told(capsys)["outputs"] == [1, 3]


def test_a_server_that_can_t_be_started_is_refused_before_anything_is_begun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where only a step names its tools, too."""
    given = words(tmp_path, HERE / "calls.yaml", python="/no/such/python")
    (tmp_path / "in.json").write_text('["a"]', encoding="utf-8")
    assert darner(given) == 2
    assert "/no/such/python can't be started: No such file or directory" in capsys.readouterr().err
    assert not (tmp_path / "store/runs/r").exists()
