"""Dead rows of a job: which they are and why, and how they alone are tried again; run with the command."""

from __future__ import annotations

import json
from pathlib import Path

from darner.runtime.batch.dead_rows import dead_rows

from ..batch_planning.workshop import item, rows, shop
from .stall import Stall, offers


def _dead(stall: Stall, *words: str) -> list[tuple[str, str, str, int]]:
    told = json.loads(stall.darner("show", "stall", "--dead", "--json", *words).stdout)
    return [(one["key"], one["stage"], one["class"], one["attempts"]) for one in told["dead"]]


def test_dead_rows_alone_are_tried_again_and_the_rest_stays_due(tmp_path: Path) -> None:
    """With the code as it is now: one is healed, one is dead still, which is judged by all rows of the source.

    What is new, what changed, and what the new code means for all others is seen to by the next run; it redoes nothing of it.
    """
    feed = [*offers(4), ("s004", "free", "0"), ("s005", "owed", "-1")]
    stall = Stall.make(tmp_path / "stall", feed, dead_max="40%")
    assert stall.done()["outputs"]["dead"] == 2
    assert _dead(stall) == [("s004", "normalise", "error", 1), ("s005", "normalise", "error", 1)]
    assert _dead(stall, "--limit", "1", "--offset", "1") == [("s005", "normalise", "error", 1)]
    shown = stall.darner("show", "stall", "--dead", "--limit", "1")
    assert "ValueError: the price 0 is not above zero  (1 attempt, generation 1)" in shown.stdout
    assert "2 dead rows, 1 more with --offset 1" in shown.stderr
    retry = f"darner retry stall --dead --store {stall.folder / 'store'}\n"
    assert shown.stderr.endswith(f"try them again with: {retry}")
    assert f"after a fix: {retry}" in stall.darner("show", "stall").stdout
    assert stall.darner("retry", "stall").returncode == 2
    code = stall.folder / "stall_code.py"
    code.write_text(code.read_text().replace("offer.price <= 0", "offer.price < 0"))
    stall.feed([("s000", "dearer", "99.5"), *feed[1:], ("s9", "new", "2.5")])
    called = stall.called()
    told = json.loads(stall.darner("retry", "stall", "--dead", "--json").stdout)
    assert (told["status"], told["outputs"]["redo"], told["outputs"]["left"], told["outputs"]["dead"]) == ("done", 2, 2, 1), told
    assert stall.called() - called == 2
    assert stall.keys() == ["s000", "s001", "s002", "s003", "s004"]
    assert _dead(stall) == [("s005", "normalise", "error", 1)]
    called = stall.called()
    report = stall.done()["outputs"]
    assert (report["new"], report["changed"], report["dead"], report["left"]) == (1, 1, 1, 0)
    assert stall.called() - called == 6, "all but the one that was healed, by the new code"
    assert stall.keys() == ["s000", "s001", "s002", "s003", "s004", "s9"]


def test_a_retry_plans_dead_rows_alone_unless_an_earlier_run_has_to_be_finished(tmp_path: Path) -> None:
    """A stage that changed is due to the others still; what an unfinished plan of work may have written is put right along with them."""
    made = shop(tmp_path, dies=frozenset({"a"}))
    made.run(rows(item("a"), item("b"), item("c")))
    made.code["enrich"] = "2"
    feed = rows(item("a"), item("b", "better"), item("d"))
    told = made.dry(feed, retry_dead=True)
    assert (told.redo, told.left, told.deletes) == (1, 2, 0)
    work = made.run(feed, retry_dead=True)
    assert made.called["normalise"] == ["a"]
    assert (work.judged, sum(work.shards)) == (3, 1)
    made.code["enrich"] = "1"
    assert made.dry(feed, allow_deletes=1).redo == 1, "nor that the retry was made with other code, where that is taken back"
    made.code["enrich"] = "2"
    work = made.plan(feed, allow_deletes=1)
    assert (work.new, work.changed, work.redo, work.deletes) == (1, 1, 1, ("c",)), "the retry has not hidden that a stage changed"
    made.carry_out(work)
    again = made.plan(feed, retry_dead=True, allow_deletes=1)
    assert (again.only_dead, again.new, again.changed, again.deletes) == (False, 1, 1, ("c",))


def test_a_dead_letter_is_kept_as_long_as_its_row_is_dead(tmp_path: Path) -> None:
    """Four runs later its reason is still told; when the row is alive it is cleared away."""
    made = shop(tmp_path, dies=frozenset({"a"}))
    for number in range(5):
        made.run(rows(*(item(key) for key in "abcdef"[: number + 2])))
    (dead,) = dead_rows(made.store, "shop")
    assert (dead.key, dead.generation, dead.stage) == ("a", 1, "x")
    made.dies = frozenset()
    for number in range(3):
        made.run(rows(*(item(key, f"title {number}") for key in "abcdef")))
    assert list(dead_rows(made.store, "shop")) == []
    assert made.store.names("jobs/shop/000001/dead") == []
