"""Damaged objects of a job: what can be made again is made again in the same run; what can't is read from the source again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from .jobs import Project, products

SHARD = 200
ROWS = products(3 * SHARD, drop=[7, 207], bad=[210])
LEFT = {row["sku"] for row in ROWS if row["title"] not in {"drop", "bad"}}


@dataclass(frozen=True)
class Killed:
    """Jobs that were killed, each once; every test gets the folder as the kill left it, where the job knows its source and sink."""

    folder: Path

    def before(self, match: str) -> Project:
        """Return the job that was killed before it wrote what matches."""
        here, kept = self.folder / "shop", self.folder / f"kept-{len(match)}-{match[1:5]}"
        shutil.rmtree(here, ignore_errors=True)
        if kept.exists():
            shutil.copytree(kept, here)
        project = Project.make(here, ROWS, shard_rows=str(SHARD), dead_max="5%")
        if not kept.exists():
            assert project.run(faults=[{"when": "before", "match": match, "do": "kill-driver"}]) == {"killed": True}
            shutil.copytree(here, kept)
        return project


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    return Killed(tmp_path_factory.mktemp("killed"))


@pytest.fixture
def almost_done(killed: Killed) -> Project:
    """A job that was killed before its manifest: everything is in the sink by then."""
    return killed.before(r"/manifest\.json")


def _damage(project: Project, pattern: str, how: str) -> None:
    (path,) = project.objects(pattern)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if how == "remove":
        path.unlink()
    else:
        path.write_bytes(content if how == "flip" else content[: len(content) // 2])


def _is_right(project: Project) -> None:
    found = [row["sku"] for row in project.rows()]
    assert len(found) == len(set(found))
    assert set(found) == LEFT


@pytest.mark.parametrize(
    ("damaged", "how", "again", "before"),
    [
        pytest.param("*/parts/normalise/000001.arrow", "flip", SHARD, r"/sink/000000\.intent", marks=pytest.mark.soak),
        ("*/parts/normalise/000001.arrow", "flip", SHARD, r"/manifest\.json"),
        pytest.param("*/parts/classify/000001.arrow", "truncate", 0, r"/manifest\.json", marks=pytest.mark.soak),
        ("*/parts/embed/000001.arrow", "remove", 0, r"/manifest\.json"),
        pytest.param("*/dead/00-000001.arrow", "flip", SHARD, r"/manifest\.json", marks=pytest.mark.soak),
    ],
)
def test_a_damaged_part_of_any_stage_is_made_again_in_one_run(killed: Killed, damaged: str, how: str, again: int, before: str) -> None:
    """Of an earlier group or of the last one, written to the sink or not: one run heals it, and only what must be is done again."""
    project = killed.before(before)
    _damage(project, damaged, how)
    report = project.run()
    assert (report["status"], report["written"], report["dead"]) == ("done", len(LEFT), 1), report
    _is_right(project)
    assert project.processed() == len(ROWS) + again
    assert report["failures"]["error"]["attempts"] == (2 if again else 1), "what failed before it was made again counts still"


def test_a_kill_while_a_damaged_part_is_made_again_loses_nothing(almost_done: Project) -> None:
    """The shard was taken back, its markers are gone: the next driver writes it, and nothing twice."""
    project = almost_done
    _damage(project, "*/parts/normalise/000001.arrow", "flip")
    assert project.run(faults=[{"when": "before", "match": r"/markers/01/000001", "do": "kill-driver"}]) == {"killed": True}
    report = project.run()
    assert (report["status"], report["written"]) == ("done", len(LEFT)), report
    _is_right(project)


def test_what_comes_out_differently_the_second_time_replaces_what_is_in_the_sink(almost_done: Project) -> None:
    """A stage that isn't a function of its input alone: sink and parts must not tell two stories."""
    project = almost_done
    (project.folder / "mood").write_text("other")
    _damage(project, "*/parts/normalise/000001.arrow", "flip")
    assert project.run()["status"] == "done"
    titles = {row["sku"]: row["title"] for row in project.rows()}
    # The second time, every tenth row of the shard is filtered, and the others have another title.
    assert set(titles) == LEFT - {f"p{number:06d}" for number in range(201, 400, 10)}
    assert (titles["p000199"], titles["p000200"], titles["p000399"]) == ("product 199", "other product 200", "other product 399")


def test_a_part_that_is_never_read_as_it_was_written_ends_the_run(almost_done: Project) -> None:
    """A store that lies every time: a clear error, not a shard that is done for ever."""
    project = almost_done
    report = project.run(faults=[{"match": r"/parts/classify/000001", "do": "lie"}])
    assert report["status"] == "failed"
    assert "parts/classify/000001.arrow" in report["error"]
    assert "done again 3 times" in report["error"]
    assert "look at its disk" in report["help"]
    assert project.run()["status"] == "done"
    _is_right(project)


@pytest.mark.parametrize(
    ("damaged", "before"),
    [
        ("*/in/000001.arrow", r"/work\.json"),
        pytest.param("*/in/000001.arrow", r"/manifest\.json", marks=pytest.mark.soak),
        pytest.param("*/dead/source.arrow", r"/manifest\.json", marks=pytest.mark.soak),
    ],
)
def test_a_damaged_plan_of_work_is_made_anew_from_the_source(tmp_path: Path, damaged: str, before: str) -> None:
    """One run says so and what to do; the next one reads the source again, uses what was finished, and loses nothing."""
    rows = [*ROWS, {**ROWS[0], "sku": None}]
    project = Project.make(tmp_path / "shop", rows, shard_rows=str(SHARD), dead_max="5%")
    when = "after" if "work" in before else "before"
    assert project.run(faults=[{"when": when, "match": before, "do": "kill-driver"}]) == {"killed": True}
    _damage(project, damaged, "flip")
    report = project.run()
    assert report["status"] == "failed", report
    assert damaged.removeprefix("*/") in report["error"]
    assert "run the same command again" in report["help"]
    done = project.processed()
    report = project.run()
    assert (report["status"], report["dead"]) == ("done", 2), report
    _is_right(project)
    # The row that died isn't known as an outcome, so it is tried again.
    assert project.processed() - done <= (1 if before == r"/manifest\.json" or "source" in damaged else SHARD)


def test_rows_that_vanish_with_a_damaged_plan_of_work_leave_the_sink(almost_done: Project) -> None:
    """What a damaged input brought into the sink is known from its parts: nobody else would take it away."""
    project = almost_done
    _damage(project, "*/in/000001.arrow", "flip")
    assert project.run()["status"] == "failed"
    gone = {f"p{number:06d}" for number in range(300, 310)}
    project.feed([row for row in ROWS if row["sku"] not in gone])
    assert project.run(allow_deletes=len(gone))["status"] == "done"
    assert {row["sku"] for row in project.rows()} == LEFT - gone


def test_an_input_that_is_lost_with_its_parts_is_not_guessed_about(almost_done: Project) -> None:
    """Which of its rows are in the sink nobody knows any more: said, with what to do, and the sink stays as it is."""
    project = almost_done
    _damage(project, "*/in/000001.arrow", "flip")
    _damage(project, "*/parts/embed/000001.arrow", "flip")
    assert project.run()["status"] == "failed"
    report = project.run()
    assert "unknown" in report["error"]
    assert "--run NAME" in report["help"]
    _is_right(project)
