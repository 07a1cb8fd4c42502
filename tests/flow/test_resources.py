"""Steps with resources run in child processes with that memory enforced, and climb their ladder."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from darner.compiler.plan import Lock, Plan
from darner.runtime.failures import Refused
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.processes import machine
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import RunState, fold

from .plans import flow, step

ORDERS = Path(__file__).parent / "orders"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ORDERS))


def with_resources(plan: Plan, **resources: Any) -> Plan:
    return Plan.model_validate({**plan.model_dump(by_alias=True, exclude={"resources"}, mode="json"), "resources": {"small": resources}})


def run(plan: Plan, folder: Path, name: str = "r") -> RunState:
    store = open_store(folder)
    bound = Binding(name, plan, Lock(), {}, None, {}, str(ORDERS / "x.yaml"))
    state = run_flow(store, bound, Surroundings(EnvironmentSecrets({})))
    assert fold(read_events(store, name)) == state
    return state


def outputs(state: RunState) -> Any:
    assert state.finished is not None
    assert state.finished.status == "done", state.finished.error
    return state.finished.outputs


def tried(state: RunState, step: str) -> list[tuple[int, list[str]]]:
    """Return how often each call of a step was begun, and why it failed."""
    calls = [one for one in state.calls.values() if one.parent.startswith(step)]
    return [(one.begun, [failure.failure for failure in one.failures]) for one in calls]


def test_a_step_that_runs_out_of_memory_climbs_its_ladder_and_remembers_the_rung(tmp_path: Path) -> None:
    """The next rung gets it done; the second item starts there at once; the run itself is never in danger."""
    hungry = step(callable="orders.steps:hungry", resources="small", map={"over": "$sizes", "max_parallel": 1}, **{"with": "$item"})
    plan = with_resources(flow("$eat", sizes=step(callable="orders.steps:sizes"), eat=hungry), memory="256Mi", on_oom=[{"memory": "1Gi"}])
    state = run(plan, tmp_path)
    assert state.finished is not None
    assert state.finished.outputs == [400, 401]
    calls = [one for one in state.calls.values() if one.parent.startswith("eat")]
    assert [(one.begun, [failure.failure for failure in one.failures]) for one in calls] == [(2, ["oom"]), (1, [])]


def test_a_step_over_its_last_rung_fails_alone(tmp_path: Path) -> None:
    """Other branches end well, and the run says what failed for memory."""
    hungry = step(callable="orders.steps:hungry", resources="small", **{"with": {"megabytes": 400}})
    plan = with_resources(flow("$fine", eat=hungry, fine=step(callable="orders.steps:pid_of", **{"with": {"number": 1}})), memory="256Mi")
    state = run(plan, tmp_path)
    assert {path: (one.kind, one.failure) for path, one in state.steps.items()} == {"eat": ("failed", "oom"), "fine": ("done", None)}


def test_only_steps_with_resources_leave_the_process(tmp_path: Path) -> None:
    """A step without resources runs here, one with them in a child that is used again."""
    here = step(callable="orders.steps:pid_of", **{"with": {"number": 1}})
    there = [step(callable="orders.steps:pid_of", resources="small", after=after, **{"with": {"number": 2}}) for after in ([], ["b"])]
    state = run(with_resources(flow({"a": "$a", "b": "$b", "c": "$c"}, a=here, b=there[0], c=there[1]), memory="512Mi"), tmp_path)
    assert state.finished is not None
    pids = {name: value[1] for name, value in state.finished.outputs.items()}
    assert pids["a"] == os.getpid()
    assert pids["b"] == pids["c"] != os.getpid()


def test_a_device_that_cannot_be_promised_is_refused(tmp_path: Path) -> None:
    """A device is a promise: refused before the run, and nothing is written."""
    plan = with_resources(flow("$a", a=step(callable="orders.steps:pid_of", resources="small")), gpu={"type": "l4"})
    with pytest.raises(Refused, match="a GPU"):
        run(plan, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_ladder_repeats_only_the_call_that_failed_and_the_next_run_begins_on_the_rung_that_worked(tmp_path: Path) -> None:
    """256Mi, 512Mi, 1Gi: two falls in the first run, none in the second; what ran before isn't run again."""
    hungry = step(callable="orders.steps:hungry", resources="small", after=["before"], **{"with": {"megabytes": 600}})
    before = step(callable="orders.steps:pid_of", resources="small", **{"with": {"number": 1}})
    ladder = [{"memory": "512Mi"}, {"memory": "1Gi"}]
    plan = with_resources(flow({"b": "$before", "e": "$eat"}, before=before, eat=hungry), memory="256Mi", on_oom=ladder)
    resident = psutil.Process().memory_info().rss
    first, second = run(plan, tmp_path, "first"), run(plan, tmp_path, "second")
    assert tried(first, "eat") == [(3, ["oom", "oom"])]
    assert tried(first, "before") == tried(second, "before") == [(1, [])]
    assert tried(second, "eat") == [(1, [])]
    assert outputs(first)["e"] == outputs(second)["e"] == 600
    assert psutil.Process().memory_info().rss - resident < 100 << 20, "what a child allocates is never here"


def test_a_call_that_falls_from_the_last_rung_is_not_repeated_there(tmp_path: Path) -> None:
    """Where a run begins on a remembered rung, only the rungs above it are tried."""
    ladder = {"memory": "200Mi", "on_oom": [{"memory": "400Mi"}]}
    hungry = step(callable="orders.steps:hungry", resources="small", **{"with": {"megabytes": 300}})
    assert tried(run(with_resources(flow("$eat", eat=hungry), **ladder), tmp_path, "first"), "eat") == [(2, ["oom"])]
    starving = step(callable="orders.steps:hungry", resources="small", **{"with": {"megabytes": 500}})
    assert tried(run(with_resources(flow("$eat", eat=starving), **ladder), tmp_path, "second"), "eat") == [(1, ["oom"])]


@pytest.mark.parametrize("ref", ["pid_of", "pid_later", "doubling", "Tally"])
def test_what_can_be_called_here_can_be_called_in_a_child(tmp_path: Path, ref: str) -> None:
    """Functions, coroutine functions, instances, classes."""
    given = {"callable": f"orders.steps:{ref}", "with": {"number": 4}}
    here, there = step(**given), step(**given, resources="small", after=["here"])
    found = outputs(run(with_resources(flow({"a": "$here", "b": "$there"}, here=here, there=there), memory="512Mi"), tmp_path))
    one, other = (list(value.values()) if isinstance(value, dict) else value for value in (found["a"], found["b"]))
    assert one[0] == other[0]
    assert one[1] == os.getpid() != other[1]


def test_calls_at_the_same_time_have_processes_of_their_own(tmp_path: Path) -> None:
    """Each of them waits for the other."""
    (tmp_path / "there").mkdir()
    meets = step(
        callable="orders.steps:meet",
        resources="small",
        map={"over": "$sizes"},
        **{"with": {"folder": str(tmp_path / "there"), "number": "$item"}},
    )
    state = run(with_resources(flow("$meet", sizes=step(callable="orders.steps:sizes"), meet=meets), memory="256Mi"), tmp_path)
    assert [count for count, _ in outputs(state)] == [2, 2]
    assert len({pid for _, pid in outputs(state)}) == 2


def test_a_time_out_ends_the_process_with_what_it_started(tmp_path: Path) -> None:
    """A process below that left the session goes too; the step fails with its time-out."""
    there = tmp_path / "pid"
    lingers = step(
        callable="orders.steps:linger",
        resources="small",
        timeout="10s",  # enough for both to start on a machine that is busy with other things
        on_failure={"network": {"attempts": 1}},
        **{"with": {"there": str(there)}},
    )
    state = run(with_resources(flow("$linger", linger=lingers), memory="512Mi"), tmp_path)
    assert (state.steps["linger"].failure, state.steps["linger"].type) == ("network", "TimeoutError")
    pid, until = int(there.read_text()), time.monotonic() + 30  # it would live for two minutes
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_step_that_writes_more_than_its_disk_is_exhausted(tmp_path: Path) -> None:
    """It is not tried again: it would write as much; a rung may give more."""
    plan = flow({"a": "$a"}, a=step(callable="orders.steps:fill", resources="small", **{"with": {"megabytes": 8}}))
    failed = run(with_resources(plan, disk="4Mi"), tmp_path, "little")
    assert (failed.steps["a"].failure, tried(failed, "a")) == ("exhausted", [(1, ["exhausted"])])
    assert "disk of 4 MiB" in failed.steps["a"].reason
    folder = outputs(run(with_resources(plan, disk="16Mi"), tmp_path, "enough"))["a"]
    assert not Path(folder).exists()


def test_numeric_libraries_get_the_cores_that_a_step_wishes_for(tmp_path: Path) -> None:
    """Lowered to those that are there; without a wish it is theirs to say."""
    plan = flow({"a": "$a"}, a=step(callable="orders.steps:threads", resources="small", **{"with": {"number": 1}}))
    assert outputs(run(with_resources(plan, cpu=1), tmp_path, "one"))["a"][1] == "1"
    assert outputs(run(with_resources(plan, cpu=4096), tmp_path, "many"))["a"][1] == str(machine.cores())


def test_without_a_device_the_class_that_is_named_for_that_counts(tmp_path: Path) -> None:
    """A promise is kept, or another one is made that the spec names."""
    plan = flow("$a", a=step(callable="orders.steps:pid_of", resources="gpu", **{"with": {"number": 1}}))
    classes = {"gpu": {"gpu": {"type": "l4", "count": 99}, "no_gpu": "cpu"}, "cpu": {"memory": "512Mi"}}
    either = Plan.model_validate({**plan.model_dump(by_alias=True, exclude={"resources"}, mode="json"), "resources": classes})
    assert outputs(run(either, tmp_path))[1] != os.getpid()


def test_memory_that_no_machine_has_is_refused(tmp_path: Path) -> None:
    """Before the run, on whatever rung it is promised, and nothing is written."""
    given = step(callable="orders.steps:pid_of", resources="small", **{"with": {"number": 1}})
    plan = with_resources(flow("$a", a=given), memory="256Mi", on_oom=[{"memory": "4000Ti"}])
    with pytest.raises(Refused, match="the step a needs 4000Ti of memory"):
        run(plan, tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.soak
def test_the_driver_stays_as_it_is_while_its_children_climb(tmp_path: Path) -> None:
    """What a child allocates is never in the process that runs the flow."""
    hungry = step(callable="orders.steps:hungry", resources="small", map={"over": "$sizes", "max_parallel": 1}, **{"with": "$item"})
    plan = with_resources(flow("$eat", sizes=step(callable="orders.steps:sizes"), eat=hungry), memory="256Mi", on_oom=[{"memory": "1Gi"}])
    run(plan, tmp_path, "warm")
    before = psutil.Process().memory_info().rss
    for number in range(10):
        run(plan, tmp_path / str(number))
    grown = psutil.Process().memory_info().rss - before
    sys.stdout.write(f"\nten runs, twenty children over 256 MiB: {grown >> 10} KiB more here\n")
    assert grown < 16 << 20
