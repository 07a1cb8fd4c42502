"""Stores and disks that fail: a clear error or a right result, and nothing lost."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .. import warm
from ..catalog.running import Place, environment
from .conftest import Finished
from .disks import disk, remount
from .test_feeds import said


def parts(place: Place, stage: str) -> list[Path]:
    return sorted(place.store.glob(f"jobs/catalog/*/parts/{stage}/*.arrow"))


def damaged(part: Path, how: str) -> None:
    """Cut a part in half, or flip one bit of it."""
    content = bytearray(part.read_bytes())
    if how == "truncated":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 0x40
    part.write_bytes(content)


@pytest.mark.soak  # the same damages to smaller jobs, every time: tests/batch/test_damage.py, test_crashes.py
@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_part_is_noticed_and_made_again(finished: Finished, damage: str) -> None:
    """A crash before the sink was written, and a disk that then lied about one part: the index is right all the same."""
    finished.never_committed()
    damaged(parts(finished.place, "embed")[0], damage)
    finished.place.done()
    assert finished.place.digest() == finished.digest


@pytest.mark.soak  # likewise
def test_a_damaged_part_of_an_earlier_stage_is_made_again(finished: Finished) -> None:
    """It is noticed only when everything is in the index, and one run is enough all the same."""
    finished.never_committed()
    damaged(parts(finished.place, "classify")[0], "flipped")
    finished.place.done()
    assert finished.place.digest() == finished.digest
    assert finished.place.duplicates() == 0


def test_a_changed_stage_over_a_damaged_input_makes_it_again(finished: Finished, tmp_path: Path) -> None:
    """A new version of `embed` reads the stored output of `classify`, one part of which has a flipped byte."""
    place = finished.place
    damaged(parts(place, "classify")[0], "flipped")
    spec = tmp_path / "catalog"
    shutil.copytree(place.spec, spec, ignore=shutil.ignore_patterns("__pycache__"))
    text = (spec / "index.yaml").read_text(encoding="utf-8")
    (spec / "index.yaml").write_text(text.replace("batch: 512}", "batch: 512, version: 2}"), encoding="utf-8")
    changed = Place(place.root, place.feed, spec)
    changed.done()
    assert changed.digest() == finished.digest


def test_two_drivers_on_one_job_are_one_too_many(finished: Finished, fresh: Place) -> None:
    """The second is told who holds the job; the first ends undisturbed."""
    place = fresh
    with warm.Process(place.command(), imports=warm.TABLES, env=environment(), cwd=place.root) as first:
        deadline = time.monotonic() + 60
        while not list(place.store.glob("jobs/catalog/*/driver.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        message = said(place, code=2)
        assert "catalog" in message
        assert str(first.pid) in message
        assert first.wait(300) == 0
    assert fresh.digest() == finished.digest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 400 KB; skipped where that isn't allowed."""
    with disk(tmp_path / "disk", "400k") as folder:
        yield folder


def test_a_full_disk_is_an_error_and_the_job_goes_on_once_there_is_room(finished: Finished, fresh: Place, small_disk: Path) -> None:
    """The store fills up half-way; with room again the same command ends with the same index."""
    (fresh.root / "store").symlink_to(small_disk)
    message = said(fresh, code=1)
    assert "no space is left" in message
    assert "make room" in message
    assert "killed" not in message
    assert str(fresh.store) in message
    remount(small_disk, "size=64m")
    fresh.done()
    assert fresh.digest() == finished.digest
    assert fresh.duplicates() == 0


def test_a_full_folder_for_temporary_files_is_an_error_and_not_darners_fault(
    finished: Finished, fresh: Place, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planning keeps the source's rows there for a moment; nothing was started, and with room the job is done."""
    free = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes((free.f_bavail - 3) * free.f_bsize))
    monkeypatch.setenv("TMPDIR", str(small_disk))
    message = said(fresh, code=1)
    assert "no space is left" in message
    assert str(small_disk) in message
    (small_disk / "filler").unlink()
    remount(small_disk, "size=64m")
    fresh.done()
    assert fresh.digest() == finished.digest


def test_a_read_only_store_is_an_error_before_anything_is_done(fresh: Place, small_disk: Path) -> None:
    """Nothing is written to the index either."""
    (fresh.root / "store").symlink_to(small_disk)
    remount(small_disk, "ro")
    ended = fresh.run()
    assert ended.returncode in {1, 2}
    assert "Traceback" not in ended.stderr
    assert "read-only" in ended.stderr.lower()
    assert not fresh.index.exists()
