"""`darner run --watch` of a job."""

from __future__ import annotations

from pathlib import Path

from ..batch.stall import Stall, offers


def test_a_job_has_no_tree_to_watch_and_says_so(tmp_path: Path) -> None:
    """Exit 2 before anything is read: a wish that nobody heeds would be worse. The same for --user."""
    stall = Stall.make(tmp_path / "stall", offers(2))
    for option, said in ((["--watch"], "how far a job is, is always shown"), (["--user", "ada"], "--user is for flows")):
        refused = stall.run(*option)
        assert refused.returncode == 2
        assert said in refused.stderr
    assert not (stall.folder / "store" / "jobs").exists()
