"""`policy.retention`: what a run stores is kept so long, and no longer."""

from __future__ import annotations

import time

from .desk import HERE, Desk


def test_a_run_goes_when_its_policy_says_and_with_it_what_it_shared(desk: Desk) -> None:
    """Two runs ended just now; the one whose retention is a second goes, with the results that it made for others."""
    (desk.folder / "seen").symlink_to(HERE / "seen")
    text = (HERE / "trip.yaml").read_text().replace("params:", "policy: {retention: 1s}\n\nparams:", 1)
    spec = desk.folder / "trip.yaml"
    spec.write_text(text.replace("use: seen.trips:price, effects: read", "use: seen.trips:price, effects: read, cache: shared"))
    given = ["--set", f"log={desk.log}", "-i", "traveller=ada", "-i", 'towns=["Oslo", "Rome"]']
    assert desk("run", str(spec), *given, "--run", "short") == 0, desk.err
    assert desk.trip(["Oslo"], run="long") == 0
    time.sleep(1.1)
    found = desk.asked("gc", "--dry")
    assert found["runs"] == ["short"]
    assert len(found["cache"]) == 2
    assert desk("gc") == 0
    assert desk.out.splitlines() == ["short  done", *found["cache"]]
    assert [one["run"] for one in desk.asked("ps")["runs"]] == ["long"]
    assert desk.asked("cache", "ls")["results"] == []


def test_a_run_that_waits_stays_however_short_its_retention_is(desk: Desk) -> None:
    """Retention counts from a run's end, and it has none."""
    (desk.folder / "seen").symlink_to(HERE / "seen")
    spec = desk.folder / "asking.yaml"
    spec.write_text((HERE / "asking.yaml").read_text().replace("params:", "policy: {retention: 1ms}\n\nparams:", 1))
    assert desk("run", str(spec), "--set", f"log={desk.log}", "-i", "traveller=ada", "--run", "waits", "--json") == 3, desk.err
    assert desk.asked("gc", "--older-than", "0s")["runs"] == []
    assert [one["status"] for one in desk.asked("ps")["runs"]] == ["waiting"]


def test_the_retention_that_counts_is_that_of_the_plan_that_counts(desk: Desk) -> None:
    """A run that was given another plan is kept as that one says."""
    assert desk.trip(["Oslo"]) == 0
    policy = desk.folder / "policy.yaml"
    policy.write_text("darner: 1\npolicy: {retention: 1s}\n")
    assert desk("resume", "r1", "--plan", "new", "--policy", str(policy), "--redo", "offer") == 0, desk.err
    time.sleep(1.1)
    assert desk.asked("gc", "--dry")["runs"] == ["r1"]
