"""Two wakers, two answers, an answer and a time-out: one winner each."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from darner.runtime.answers import Answer
from darner.runtime.events import RunFinished
from darner.runtime.failures import Busy, Refused
from darner.runtime.journal import paths
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, drive, make_agents, run_flow
from darner.runtime.perform.people import desk, replies
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.world import SystemClock
from darner.runtime.ports import Store
from darner.runtime.project.load import compile_spec
from darner.testing import MemoryLog

from .office import TRADE, Office


def give_blindly(store: Store, run_id: str, question: str, answer: Answer, looked: threading.Barrier) -> Answer:
    """A broken variant: looks, and then writes. All of them look before any writes."""
    first = desk.look(store, run_id, question)
    looked.wait(60)
    if first is not None:
        return first
    store.put(paths.answer(run_id, question), answer.text())
    return answer


def race(store: Store, give: Callable[[Store, str, str, Answer], Answer], rounds: int) -> int:
    """Return in how many rounds two answers and a time-out didn't all see the same winner."""
    wrong = 0
    for number in range(rounds):
        barrier, seen = threading.Barrier(3), list[Answer]()

        def compete(answer: Answer, name: str = f"q{number}", at: threading.Barrier = barrier, told: list[Answer] = seen) -> None:
            at.wait()
            told.append(give(store, "r", name, answer))

        rivals = [Answer("answer", 1, "ada"), Answer("answer", 2, "bob"), Answer("timeout")]
        threads = [threading.Thread(target=compete, args=(one,)) for one in rivals]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        wrong += len(set(map(repr, seen))) != 1
    return wrong


def test_two_answers_and_a_time_out_have_one_winner_and_the_broken_variant_is_caught(tmp_path: Path) -> None:
    """Exclusive creation decides, and everybody is shown the first; looking before writing doesn't."""
    store = open_store(tmp_path)
    assert race(store, desk.give, 40) == 0
    blindly = functools.partial(give_blindly, looked=threading.Barrier(3))
    assert race(open_store(tmp_path / "broken"), blindly, 1) == 1


def wake_in_children(store: Store, bound: Binding, wakers: int, waking: Callable[[Store, Binding], str]) -> list[str]:
    """Return what each of several processes says that came of waking a run at once."""
    gate_out, gate_in = os.pipe()
    outs = []
    for _ in range(wakers):
        out, into = os.pipe()
        if os.fork() == 0:
            os.read(gate_out, 1)
            try:
                said = waking(store, bound)
            except BaseException as error:  # noqa: BLE001 - a child tells what went wrong, and is gone
                said = repr(error)
            os.write(into, said.encode())
            os._exit(0)
        os.close(into)
        outs.append(out)
    os.write(gate_in, b"x" * wakers)
    told = []
    for out in outs:
        with os.fdopen(out) as text:
            told.append(text.read())
        os.wait()
    os.close(gate_out)
    os.close(gate_in)
    return told


def wake(store: Store, bound: Binding) -> str:
    """Wake a run as `darner resume --due` does."""
    if bound.run not in replies.due_runs(store, SystemClock()):
        return "asleep"
    try:
        state = run_flow(store, bound, Surroundings(EnvironmentSecrets({})))
    except Busy:
        return "busy"
    return state.finished.status if state.finished is not None else "waiting"


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.soak)])
def test_of_two_wakers_one_goes_on_and_the_write_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    """Each round: a run waits for an approval, it is given, and two processes wake the run at the same moment.

    Guards against dbos#742 (a stale recovery executes without the claim) and langgraph#8796 (two writers both succeed).
    """
    monkeypatch.syspath_prepend(str(TRADE))
    compiled = compile_spec(TRADE / "desk.yaml", params={"log": "-"})
    store = open_store(tmp_path / "store")
    for number in range(rounds):
        log = tmp_path / f"log-{number}"
        bound = Binding(
            f"r{number}", compiled.plan, compiled.lock, compiled.prompts, {"only": "approval"}, {"log": str(log)}, str(TRADE / "desk.yaml")
        )
        assert run_flow(store, bound, Surroundings(EnvironmentSecrets({}))).waits.parked
        replies.reply(store, bound.run, ["approve"], "ada")
        told = wake_in_children(store, bound, 2, wake)
        assert "done" in told, told
        assert set(told) <= {"done", "busy", "asleep"}, told
        events = list(read_events(store, bound.run))
        assert sum(isinstance(one, RunFinished) for one in events) == 1
        assert Counter(log.read_text().splitlines()) == {"buy 2 mugs": 1}


def wake_without_a_lock(store: Store, bound: Binding, looked: Barrier) -> str:
    """A broken variant: who finds a run due goes on with it, whoever else has it. Both look before either goes on."""
    is_due = bound.run in replies.due_runs(store, SystemClock())
    looked.wait(60)
    if not is_due:
        return "asleep"
    around = Surroundings(EnvironmentSecrets({}), store=store)
    log = MemoryLog(read_events(store, bound.run))
    state = drive(log, bound, around, make_agents(bound, around))
    return state.finished.status if state.finished is not None else "waiting"


def test_two_wakers_that_trust_their_own_look_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the run's lock both go on with it: what `test_of_two_wakers` looks for is seen."""
    monkeypatch.syspath_prepend(str(TRADE))
    compiled = compile_spec(TRADE / "desk.yaml", params={"log": "-"})
    store, log = open_store(tmp_path / "store"), str(tmp_path / "log")
    bound = Binding("r", compiled.plan, compiled.lock, compiled.prompts, {"only": "approval"}, {"log": log}, str(TRADE / "desk.yaml"))
    run_flow(store, bound, Surroundings(EnvironmentSecrets({})))
    replies.reply(store, "r", ["approve"], "ada")
    waking = functools.partial(wake_without_a_lock, looked=multiprocessing.get_context("fork").Barrier(2))
    assert wake_in_children(store, bound, 2, waking) == ["done", "done"]


def test_an_answer_reaches_a_process_that_is_busy_with_something_else(office: Office) -> None:
    """The owner looks every second: it needs no restart, and `answer --resume` leaves the run to it."""
    gate = office.folder / "gate"
    with office.start("run", str(TRADE / "busy.yaml"), "--set", f"gate={gate}", "--run", "r1", "--json") as process:
        office.wait_for("r1", "question_asked")
        assert office("answer", "r1", "tea", "--resume") == 0
        assert "another process has r1" in office.err
        gate.touch()
        out, _ = process.communicate(timeout=120)
    assert json.loads(out)["outputs"] == {"drink": "tea", "work": "there"}
    assert office.state().epoch == 1


def test_a_living_owner_ends_within_seconds_when_its_run_is_cancelled(office: Office) -> None:
    """Status cancelled, the process is gone, and what it was doing with it."""
    words = ["run", str(TRADE / "busy.yaml"), "--set", f"gate={office.folder / 'gate'}", "--run", "r1", "--json"]
    with office.start(*words) as process:
        office.wait_for("r1", "call_started")
        assert office("cancel", "r1") == 0
        assert "within seconds" in office.err
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert json.loads(out)["status"] == "cancelled"
    with pytest.raises(Refused, match="over"):
        replies.cancel(open_store(office.store), "r1", "bob")
