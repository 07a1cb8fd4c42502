"""`darner run --watch`: the tree of a run as it grows."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

from ..desk import command
from .desk import HERE, Desk


def test_without_a_terminal_each_outcome_is_a_line(desk: Desk) -> None:
    """On stderr, and stdout holds the result only."""
    assert desk.trip(["Oslo", "Rome"], "--watch") == 0
    assert json.loads(desk.out)["towns"] == ["Oslo", "Rome"]
    for line in ("towns  done", "prices[0]  done", "prices[1]  done", "offer  done"):
        assert line in desk.err.splitlines()
    assert desk.rounds("r2") == 0


def test_on_a_terminal_the_tree_is_drawn_and_redrawn(tmp_path: Path) -> None:
    """A real pseudo-terminal gets the tree with colours; stdout, which is none, gets the result only."""
    ours, theirs = pty.openpty()
    given = ["-i", 'towns=["Oslo"]', "--set", f"log={tmp_path / 'log'}", "--store", str(tmp_path / "store")]
    words = command("run", HERE / "trip.yaml", *given, "--watch")
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not chunk:
                break
            seen += chunk
        assert process.stdout is not None
        assert json.loads(process.stdout.read())["towns"] == ["Oslo"]
    os.close(ours)
    text = seen.decode()
    assert "prices" in text
    assert "└─" in text
    assert "\x1b[32mdone" in text
