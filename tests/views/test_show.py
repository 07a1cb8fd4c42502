"""`darner show`: a run as a tree, folded where it is long, without what is about a person."""

from __future__ import annotations

import re

from .desk import Desk


def test_a_run_is_shown_as_a_tree_with_what_each_step_used(desk: Desk) -> None:
    """One line a step, its items below it; a step's only call needs no line of its own."""
    assert desk.trip(["Oslo", "Rome"]) == 0
    assert desk("show", "r1") == 0
    lines = desk.out.splitlines()
    assert lines[0].startswith("r1  done  (trip, 0 model requests")
    assert lines[1].startswith("  ├─ towns  done  (callable seen.trips:start")
    assert lines[2].startswith("  ├─ prices  done  2 of 2 done")
    assert lines[3].startswith("  │  ├─ prices[0]  done  (tool price")
    assert lines[-1].startswith("  └─ offer  done  (callable seen.trips:offer")


def test_a_long_map_is_folded_to_its_counts_and_what_went_wrong(desk: Desk) -> None:
    """100 items are one line, and the first that failed; `--all` shows each; `--failures` each failed attempt with its place."""
    towns = [f"town{number}{'?' if number % 20 == 0 else ''}" for number in range(100)]
    assert desk.trip(towns) == 1
    assert desk("show", "r1") == 0
    assert "prices  failed: 5 of 100 items failed" in desk.out
    assert "95 of 100 done, 5 failed" in desk.out
    assert desk.out.count("prices[") == 3
    assert "… 2 more failed" in desk.out
    assert desk("show", "r1", "--all") == 0
    assert desk.out.count("─ prices[") == 100
    assert desk("show", "r1", "--failures") == 0
    assert desk.out.count("nobody knows what town") >= 5
    assert "trip.yaml:16:5" in desk.out
    shown = desk.asked("show", "r1")
    assert (shown["status"], len(shown["steps"][1]["items"])) == ("failed", 100)


def test_fields_about_a_person_are_hidden_in_views(desk: Desk) -> None:
    """`Personal` fields leave a run by its result; what shows a run says that there is one, not what it is."""
    assert desk.trip(["Oslo"]) == 0
    assert "ada" in desk.out
    shown = desk.asked("show", "r1")
    assert shown["outputs"] == {"traveller": "[personal]", "towns": ["Oslo"]}
    for words in (["show", "r1", "--all"], ["ps"], ["ps", "--json"], ["why", "r1", "offer"], ["why", "r1", "offer", "--json"]):
        assert desk(*words) == 0, desk.err
        assert "ada" not in desk.out


def test_results_of_code_that_changed_since_are_told_as_drift(desk: Desk) -> None:
    """Nothing has drifted in a run of today's code; an unknown run is refused with a near one."""
    assert desk.trip(["Oslo"]) == 0
    assert desk.asked("show", "r1", "--drift") == {"run": "r1", "drift": []}
    assert desk("show", "r2") == 2
    assert "r1" in desk.err


def test_the_rounds_of_a_loop_are_shown_each(desk: Desk) -> None:
    """A loop's rounds stand below it, with their steps."""
    assert desk.rounds() == 0, desk.err
    assert desk("show", "r1") == 0
    assert [line.rpartition("─ ")[2].partition("  ")[0] for line in desk.out.splitlines() if "round " in line] == [
        "round 1",
        "round 2",
        "round 3",
    ]
    assert desk.out.count("─ say  done") == 3


def test_a_run_that_sleeps_says_until_when(desk: Desk) -> None:
    """Not only that it waits: who looks at night wants to know whether it is stuck."""
    code = "import darner\n\n\nasync def nap(wake: darner.Call[int, int]) -> int:\n    await darner.sleep('3d')\n    return await wake(3)\n"
    (desk.folder / "naps.py").write_text(code + "\n\ndef wake(day: int) -> int:\n    return day\n")
    spec = desk.folder / "naps.yaml"
    flow = "flow: {steps: {nap: {use: naps:nap, calls: [wake], limits: {calls: 9}}}, outputs: $nap}"
    spec.write_text(f"darner: 1\nname: naps\ntools: {{wake: {{use: naps:wake, effects: pure}}}}\n{flow}\n")
    assert desk("run", str(spec), "--run", "r1") == 3, desk.err
    said = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", desk.err)
    assert said is not None
    assert desk("show", "r1") == 0
    assert f"nap waits until {said[0]}" in desk.out


def test_a_name_that_a_store_does_not_have_is_told_with_what_may_have_been_meant(desk: Desk) -> None:
    """Another store, a job where a run is wanted, a run where a job is wanted: each is said; nothing that is not there is called a run."""
    assert desk.trip(["Oslo"]) == 0
    (desk.store / "jobs" / "feed").mkdir(parents=True)
    for words in (["show", "trip-of-elsewhere"], ["resume", "trip-of-elsewhere"]):
        assert desk(*words) == 2
        assert "known here: r1; what another store has is found with --store URL" in desk.err
    for words in (["resume", "feed"], ["fork", "feed", "--at", "x"], ["answer", "feed", "yes"]):
        assert desk(*words) == 2
        assert "feed is a job: `darner show feed` shows it" in desk.err
    assert desk("show", "gone", "--dead") == 2
    assert "there is no job 'gone' in " in desk.err
    assert desk("show", "r1", "--dead") == 2
    assert "r1 is no job" in desk.err
