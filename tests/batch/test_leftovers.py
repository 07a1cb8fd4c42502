"""Half-written files of killed processes: the next driver that holds the job takes them away."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.runtime.batch.claims import Binding, driving
from darner.runtime.failures import Busy
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.perform.world import SystemClock

from .jobs import Project, products

BINDING = Binding(source="a", sink="b")
SHARD = 200


def _hidden(folder: Path) -> list[Path]:
    return sorted(folder.rglob(".*"))


def test_what_a_writer_leaves_that_is_killed_is_gone_after_the_next_start(tmp_path: Path) -> None:
    """A child is killed in the middle of a part; its run ends well, and the next one leaves nothing half-written."""
    project = Project.make(tmp_path / "shop", products(2 * SHARD), shard_rows=str(SHARD))
    report = project.run(faults=[{"when": "within", "match": r"/parts/normalise/000001", "do": "kill-self"}])
    assert (report["status"], report["written"]) == ("done", 2 * SHARD)
    (left,) = _hidden(project.folder / "store")
    assert left.parent.name == "normalise"
    project.run()
    assert _hidden(project.folder / "store") == []


def test_only_the_job_that_is_held_is_swept(tmp_path: Path) -> None:
    """Another job may be at work, and so may whoever holds this one."""
    store = LocalStore.open(tmp_path)
    mine, other = tmp_path / "jobs/mine/000001/parts/a", tmp_path / "jobs/other/000001/parts/a"
    for folder in (mine, other):
        folder.mkdir(parents=True)
        (folder / ".0123.tmp").touch()
        (folder / "000000.arrow").touch()
        (folder / ".4567.gone").mkdir()
        (folder / ".4567.gone" / "000000.arrow").touch()
    with driving(store, "mine", BINDING, SystemClock()):
        assert [one.name for one in mine.iterdir()] == ["000000.arrow"]
        (mine / ".89ab.tmp").touch()
        with pytest.raises(Busy), driving(store, "mine", BINDING, SystemClock()):
            pass
        assert (mine / ".89ab.tmp").exists()
    assert len(list(other.iterdir())) == 3
