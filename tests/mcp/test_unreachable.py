"""A run gone on with while its MCP server can't be reached: what is on record needs no server."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner

from .test_flow import HERE, TRACKER, told, words

pytest.importorskip("mcp")


@dataclass
class Begun:
    """A run that opened two issues and then failed; ``flag`` is the file that it misses, ``server`` its server's."""

    folder: Path
    flag: Path
    server: Path

    @classmethod
    def make(cls, folder: Path) -> Begun:
        """Run it."""
        begun = cls(folder, folder / "flag", folder / "tracker.py")
        shutil.copy(TRACKER, begun.server)
        given = [word.replace(TRACKER, str(begun.server)) for word in words(folder, HERE / "checked.yaml")]
        (folder / "in.json").write_text(json.dumps([str(begun.flag), "abc"]), encoding="utf-8")
        assert darner(given) == 1
        return begun

    def resume(self) -> int:
        """Go on with it."""
        return darner(["resume", "r", "--json", "--store", str(self.folder / "store")])

    def opened(self) -> list[str]:
        """Return the titles of the issues that were really opened."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        return [line.split()[1] for line in lines if line.startswith("create")]


def test_what_is_on_record_is_served_while_the_server_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The step that called it is executed again, and its calls are served: nothing is opened twice, and nobody is asked."""
    begun = Begun.make(tmp_path)
    begun.server.unlink()
    begun.flag.write_text("fine", encoding="utf-8")
    capsys.readouterr()
    assert begun.resume() == 0, capsys.readouterr().err
    assert told(capsys)["outputs"] == [len(str(begun.flag)), 3]
    assert begun.opened() == [str(begun.flag), "abc"]


def test_a_new_call_needs_the_server_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The run fails with the server's name; nothing was sent, so once the server is back it ends, with each issue opened once."""
    begun = Begun.make(tmp_path)
    hidden = begun.server.rename(tmp_path / "hidden.py")
    begun.flag.write_text("more", encoding="utf-8")
    capsys.readouterr()
    assert begun.resume() == 1
    assert "nothing was sent to it" in capsys.readouterr().err
    hidden.rename(begun.server)
    assert begun.resume() == 0, capsys.readouterr().err
    assert begun.opened() == [str(begun.flag), "abc", "one"]


def test_a_run_whose_offers_are_not_kept_needs_its_server_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the object, or with a damaged one, the run is refused before anything is begun, and loses nothing."""
    begun = Begun.make(tmp_path)
    begun.flag.write_text("fine", encoding="utf-8")
    hidden = begun.server.rename(tmp_path / "hidden.py")
    offers = tmp_path / "store/runs/r/offers.json"
    offers.write_text("{", encoding="utf-8")
    capsys.readouterr()
    assert begun.resume() == 2
    assert "can't be reached" in capsys.readouterr().err
    hidden.rename(begun.server)
    assert begun.resume() == 0
    assert json.loads(offers.read_text(encoding="utf-8"))
