"""Sources and sinks of a user's own: a class or a function, and whose error it is when they raise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .. import warm
from .jobs import Project, products

SHARD = 200
DARNER = Path(os.environ.get("DARNER_COMMAND", Path(sys.executable).with_name("darner")))


def _project(folder: Path) -> Project:
    """Return a project whose source and sink are the class `shop.Moody` itself."""
    project = Project.make(folder, products(2 * SHARD), shard_rows=str(SHARD))
    spec = project.folder / "index.yaml"
    text = spec.read_text().replace("shop:file_table", "shop:Moody")
    spec.write_text(text.replace("use: files", "use: 'shop:Moody'").replace("{url: feed.parquet}", "{path: none}"))
    return project


def _ran(project: Project) -> subprocess.CompletedProcess[str]:
    command = [str(DARNER), "run", "index.yaml", "--store", "store", "--engine", "in_memory"]
    return warm.run(command, imports=warm.JOBS, cwd=project.folder)


@pytest.mark.parametrize(
    ("verb", "end"),
    [
        ("read", "source"),
        ("append", "sink"),
        *(
            pytest.param(verb, end, marks=pytest.mark.soak)
            for verb, end in (("identity", "source"), ("ranges", "source"), ("open", "sink"), ("finish", "sink"))
        ),
    ],
)
def test_what_a_users_own_connector_raises_is_told_as_theirs_and_the_job_goes_on_once_it_is_mended(
    tmp_path: Path, verb: str, end: str
) -> None:
    """Type, message, file and line, what to do next, and exit code 1: not darner's own fault."""
    project = _project(tmp_path / "shop")
    broken = project.folder / "broken"
    broken.write_text(verb)
    ended = _ran(project)
    assert ended.returncode == 1, ended.stderr
    assert f"the {end} shop:Moody: LookupError: no luck with {verb}" in ended.stderr
    assert f"{project.folder / 'shop.py'}:" in ended.stderr
    assert "run the same command again" in ended.stderr
    assert "Traceback" not in ended.stderr
    broken.unlink()
    ended = _ran(project)
    assert ended.returncode == 0, ended.stderr
    assert [row["sku"] for row in project.rows()] == [f"p{number:06d}" for number in range(2 * SHARD)]


def test_a_class_that_can_not_be_built_is_told_likewise(tmp_path: Path) -> None:
    """Whatever its constructor raises."""
    project = _project(tmp_path / "shop")
    (project.folder / "broken").write_text("__init__")
    ended = _ran(project)
    assert ended.returncode == 1
    assert "LookupError: no luck with __init__" in ended.stderr


def test_a_connector_that_lacks_a_verb_is_refused(tmp_path: Path) -> None:
    """A class that compiles may still be no sink."""
    project = _project(tmp_path / "shop")
    spec: Any = project.folder / "index.yaml"
    spec.write_text(
        spec.read_text().replace('index: {use: "shop:Moody"', 'index: {use: "shop:Product"').replace("{path: index.jsonl}", "{}")
    )
    ended = _ran(project)
    assert ended.returncode == 1
    assert "shop:Product" in ended.stderr
