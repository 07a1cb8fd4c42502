"""Results that calls share: within a run, with a user's runs, with everybody's."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from darner.runtime.journal import shared_results
from darner.runtime.journal.store import open_store

from .desk import LABELS, Desk


def test_equal_calls_of_one_run_get_one_result(desk: Desk) -> None:
    """`cache: run`: the items of a map that are equal cost one call, though they begin at once; the next run pays again."""
    spec = desk.spec("run", seconds=0.05)
    assert desk.run(spec, ["ab", "cde", "ab", "ab"], "--run", "r1") == [2, 3, 2, 2]
    assert desk.calls() == ["ab", "cde"]
    assert desk.run(spec, ["ab"], "--run", "r2") == [2]
    assert desk.calls() == ["ab", "ab", "cde"]


def test_without_a_cache_each_call_is_made(desk: Desk) -> None:
    """What nobody asked to be shared is not."""
    assert desk.run(desk.spec("off"), ["ab", "ab"]) == [2, 2]
    assert desk.calls() == ["ab", "ab"]


def test_a_users_results_reach_that_users_runs_only(desk: Desk) -> None:
    """`cache: user`: the same user's next run is served, another user's pays; without --user it reaches no other run."""
    spec = desk.spec("user")
    for words in (["--user", "ada"], ["--user", "ada"], ["--user", "bob"], [], []):
        assert desk.run(spec, ["ab", "ab"], *words) == [2, 2]
    assert len(desk.calls()) == 4


def test_shared_results_reach_every_run_until_code_or_version_change(desk: Desk) -> None:
    """`cache: shared`: everybody is served; a raised version leaves old results behind."""
    spec = desk.spec("shared")
    for words in (["--user", "ada"], ["--user", "bob"], []):
        assert desk.run(spec, ["ab"], *words) == [2]
    assert desk.calls() == ["ab"]
    desk.run(desk.spec("{scope: shared, version: 2}"), ["ab"])
    assert desk.calls() == ["ab", "ab"]


def test_a_changed_callable_is_not_served_what_the_old_one_said(desk: Desk) -> None:
    """The key holds the code's fingerprint (Flyte 2 caches by name and misses a changed helper)."""
    (desk.folder / "kept").unlink()
    (desk.folder / "keptcode").mkdir()
    text = (Path(__file__).parent / "kept/things.py").read_text()
    (desk.folder / "keptcode/things.py").write_text(text)
    spec = desk.spec("shared")
    spec.write_text(spec.read_text().replace("kept.things", "keptcode.things"))
    with desk.start_run(spec, ["ab"]) as first:
        assert first.wait(timeout=60) == 0
    (desk.folder / "keptcode/things.py").write_text(text.replace("return len(name)", "return len(name) * 10"))
    with desk.start_run(spec, ["ab"]) as second:
        assert json.loads(second.communicate(timeout=60)[0])["outputs"] == [20]
    assert desk.calls() == ["ab", "ab"]


def aged(desk: Desk, seconds: float) -> None:
    """Let all shared results have been made so much earlier."""
    store = open_store(desk.store)
    for name in shared_results.names(store):
        head, _, value = store.get(name).partition(b"\n")
        told = json.loads(head)
        store.put(name, json.dumps({**told, "made": told["made"] - seconds}).encode() + b"\n" + value)


def test_ttl_is_judged_once_when_a_result_is_first_read(desk: Desk) -> None:
    """An old result is made again; one that was served stands in the journal, and a resume never judges it again."""
    spec = desk.spec("{scope: shared, ttl: 1h}")
    desk.run(spec, ["ab"])
    desk.run(spec, ["ab"], "--run", "served")
    assert desk.calls() == ["ab"]
    aged(desk, 7200.0)
    assert desk("resume", "served", "--json") == 0
    assert desk.json()["outputs"] == [2]
    assert desk.calls() == ["ab"]
    desk.run(spec, ["ab"])
    assert desk.calls() == ["ab", "ab"]


def test_a_step_shares_by_the_fields_that_its_callable_reads(desk: Desk) -> None:
    """A field that the callable's type lacks is not in the key; one that it has is."""
    spec = desk.spec("shared", text=LABELS, name="labels.yaml")
    for parcel in ({"name": "ab", "colour": "red"}, {"name": "ab", "colour": "blue"}, {"name": "cd"}):
        assert desk("run", str(spec), "--set", f"log={desk.log}", "-i", f"parcel={json.dumps(parcel)}", "--json") == 0, desk.err
        assert desk.json()["outputs"] == parcel["name"].upper()
    assert desk.calls() == ["label ab", "label cd"]


def test_redo_asks_anew_whatever_a_cache_holds(desk: Desk) -> None:
    """`resume --redo` is served by no cache, and the new result takes the place of the old one."""
    spec = desk.spec("shared")
    desk.run(spec, ["ab"], "--run", "first")
    desk.run(spec, ["ab"], "--run", "r1")
    assert desk("resume", "r1", "--redo", "weights") == 0, desk.err
    assert desk.calls() == ["ab", "ab"]
    desk.run(spec, ["ab"])
    assert desk.calls() == ["ab", "ab"]


def test_a_damaged_result_is_made_again(desk: Desk) -> None:
    """A flipped byte in a shared result costs a call, never a wrong value."""
    spec = desk.spec("shared")
    desk.run(spec, ["abc"])
    [entry] = list((desk.store / "cache/shared").iterdir())
    entry.write_bytes(entry.read_bytes().replace(b"\n3", b"\n4"))
    assert desk.run(spec, ["abc"]) == [3]
    assert desk.calls() == ["abc", "abc"]
    assert desk.run(spec, ["abc"]) == [3]
    assert desk.calls() == ["abc", "abc"]


def test_of_two_processes_one_pays_and_the_other_waits(desk: Desk) -> None:
    """Single-flight: while one makes a result, another that wants the same waits for it."""
    spec = desk.spec("shared", seconds=2.0)
    with desk.start_run(spec, ["ab"]) as one, desk.start_run(spec, ["ab"]) as other:
        for process in (one, other):
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            assert json.loads(out)["outputs"] == [2]
    assert desk.calls() == ["ab"]
    assert not list((desk.store / "cache").rglob("*.claim.*"))


@pytest.mark.soak
def test_a_claim_whose_owner_was_killed_expires(desk: Desk) -> None:
    """SIGKILL in the middle of a call: whoever waits goes on alone once the claim is no longer renewed."""
    spec = desk.spec("shared", seconds=4.0)
    with desk.start_run(spec, ["ab"]) as killed:
        deadline = time.monotonic() + 60
        while not desk.calls():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
    assert list((desk.store / "cache").rglob("*.claim.1"))
    assert desk.run(spec, ["ab"]) == [2]
    assert desk.calls() == ["ab", "ab"]
    assert not list((desk.store / "cache").rglob("*.claim.*"))


def test_why_explains_a_hit_and_a_miss(desk: Desk) -> None:
    """A hit names the run that paid, a miss what was looked at; another version is named as such."""
    spec = desk.spec("shared")
    desk.run(spec, ["ab"], "--run", "first")
    desk.run(spec, ["ab"], "--run", "second")
    assert desk("why", "first", "weights") == 0
    assert "made: cache shared was asked, and nothing is stored under its key" in desk.out
    assert desk("why", "second", "weights[0]") == 0
    assert "served from cache shared: first/" in desk.out
    desk.run(desk.spec("{scope: shared, version: 2}"), ["ab"], "--run", "third")
    assert desk("why", "third", "weights") == 0
    assert "for the same input has version None, this one 2" in desk.out
    assert desk("show", "second") == 0
    assert "1 from a cache" in desk.out


def test_shared_results_are_listed_and_let_go_of(desk: Desk) -> None:
    """`cache ls` names callee and run, never the value; `cache prune` and `gc` take what has expired; a served run keeps its own."""
    spec = desk.spec("{scope: shared, ttl: 1s}")
    desk.run(spec, ["ab"], "--run", "r1")
    other = desk.spec("shared")
    desk.run(other, ["cde"], "--run", "r2")
    assert desk("cache", "ls", "--json") == 0
    assert sorted((one["name"], one["run"]) for one in desk.json()["results"]) == [("weigh", "r1"), ("weigh", "r2")]
    time.sleep(1.1)
    assert desk("cache", "ls") == 0
    assert desk.out.count("expired") == 1
    assert desk("gc", "--dry", "--json") == 0
    assert len(desk.json()["cache"]) == 1
    assert desk("cache", "prune", "--json") == 0
    assert len(desk.json()["pruned"]) == 1
    assert desk("cache", "prune", "--all", "--of", "somebody", "--json") == 0
    assert desk.json()["pruned"] == []
    assert desk("cache", "prune", "--all", "--json") == 0
    assert len(desk.json()["pruned"]) == 1
    assert desk("resume", "r2", "--json") == 0
    assert desk.json()["outputs"] == [3]
