"""`darner why JOB KEY`: what is known of one row, on the real command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.batch.why import lines, why
from darner.runtime.failures import Refused

from ..desk import command
from .workshop import item, rows, shop


def asked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Return what the command says."""
    line = command("why", *words, "--store", folder / "store")
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=folder)


def test_each_stage_says_under_what_and_where_its_outcome_was_made(tmp_path: Path) -> None:
    """A row whose second stage was redone in the second run names both runs."""
    made = shop(tmp_path)
    made.run(rows(item("a"), item("b")))
    made.run(rows(item("a"), item("b", "new title")))
    made.run(rows(item("a", price=3.0), item("b", "new title")))
    found = why(made.store, "shop", "b")
    assert (found.state, found.generation, found.unfinished) == ("done", 3, None)
    assert [one.generation for one in found.stages] == [2, 2]
    assert all(one.place and one.place.startswith(f"jobs/shop/000002/parts/{one.stage}/") for one in found.stages)


def test_the_command_says_it_to_people_and_as_one_json_object(tmp_path: Path) -> None:
    """`--json` prints the same as data."""
    made = shop(tmp_path)
    made.run(rows(item("a")))
    said = asked(tmp_path, "shop", "a")
    assert said.returncode == 0, said.stderr
    assert "shop  a  done as of generation 1" in said.stdout
    found: dict[str, Any] = json.loads(asked(tmp_path, "shop", "a", "--json").stdout)
    assert found["state"] == "done"
    assert len(found["version"]) == 32
    assert [one["stage"] for one in found["stages"]] == ["normalise", "enrich"]


def test_a_dead_row_says_why_and_that_the_sink_is_behind(tmp_path: Path) -> None:
    """A row that was good and died with its new version is marked stale."""
    made = shop(tmp_path)
    made.run(rows(item("a"), item("b")))
    made.dies = frozenset({"a"})
    made.run(rows(item("a", "bad"), item("b")))
    found = why(made.store, "shop", "a")
    assert (found.state, found.stale) == ("dead", True)
    assert found.dead is not None
    assert (found.dead.type, found.dead.attempts) == ("ValueError", 1)
    assert "the sink still has its last good version" in lines(found)[0]


def test_a_filtered_row_and_a_row_that_waits_say_so(tmp_path: Path) -> None:
    """States have words."""
    made = shop(tmp_path, filters=frozenset({"a"}))
    made.run(rows(item("a"), item("b")))
    assert why(made.store, "shop", "a").state == "filtered"
    made.plan(rows(item("a"), item("b"), item("c")))
    assert why(made.store, "shop", "c").state == "planned"
    assert why(made.store, "shop", "a").unfinished is None


def test_an_unknown_job_or_key_is_said_with_near_ones(tmp_path: Path) -> None:
    """Exit 2, a message, what might have been meant; no traceback."""
    made = shop(tmp_path)
    made.run(rows(item("SKU-1041"), item("SKU-1042"), item("other")))
    with pytest.raises(Refused) as found:
        why(made.store, "shop", "SKU-1043")
    assert "'SKU-1042'" in str(found.value.help)
    for words, shown in ((("shup", "a"), "did you mean 'shop'?"), (("shop", "SKU1042"), "did you mean 'SKU-104")):
        said = asked(tmp_path, *words)
        assert said.returncode == 2
        assert shown in said.stderr
        assert "Traceback" not in said.stderr
