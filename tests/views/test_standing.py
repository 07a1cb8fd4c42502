"""`darner ps` of a store that nobody looked at before: runs left word how they stand, and the journal has the last one."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from darner.runtime.events import TakenUp
from darner.runtime.journal import paths
from darner.runtime.journal.log import open_log
from darner.runtime.journal.store import open_store

from .desk import Desk


def _listed(desk: Desk) -> list[tuple[str, str]]:
    Path(desk.store, paths.STANDINGS).unlink(missing_ok=True)
    return [(one["run"], one["status"]) for one in desk.asked("ps")["runs"]]


def test_a_first_look_reads_no_journal_of_a_run_that_was_given_up_in_order(desk: Desk) -> None:
    """The journal's bytes could be anything, as long as nobody wrote to it: they are read once the word is gone."""
    assert desk.trip(["Oslo"], run="r1") == 0
    assert desk.trip(["Rome?"], run="r2") == 1
    assert _listed(desk) == [("r2", "failed"), ("r1", "done")]
    journal = Path(desk.store, paths.journal_file("r1"))
    told = journal.stat()
    journal.write_bytes(b"\xff" * told.st_size)
    os.utime(journal, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert _listed(desk) == [("r2", "failed"), ("r1", "done")]
    Path(desk.store, paths.run_standing("r1")).unlink()
    assert sorted(_listed(desk)) == [("r1", "damaged"), ("r2", "failed")]


def test_a_word_that_is_out_of_date_is_not_believed(desk: Desk) -> None:
    """A run that failed was taken up again by a process that was killed, and so left none; another one's is damaged."""
    assert desk.trip(["Rome?"], run="r1") == 1
    assert desk.trip(["Oslo"], run="r2") == 0
    with closing(open_log(open_store(desk.store), "r1", owner="somebody")) as log:
        log.append([TakenUp(at=1.0, epoch=2, owner="somebody")])
    Path(desk.store, paths.run_standing("r2")).write_bytes(b'{"extent": "1-1"')
    assert sorted(_listed(desk)) == [("r1", "interrupted"), ("r2", "done")]
