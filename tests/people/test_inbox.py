"""What was said to a run before anybody was asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from darner.compiler.plan import HumanPlan, Lock, Plan, StepPlan
from darner.runtime.answers import Answer
from darner.runtime.events import QuestionClosed
from darner.runtime.failures import Corrupt
from darner.runtime.journal import paths
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.people import desk
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Store
from darner.runtime.state import RunState


class Wish(BaseModel):
    """What somebody wants."""

    count: int
    colour: str = "any"


def _run(store: Store, folder: Path) -> RunState:
    buyer = HumanPlan.model_validate({"ask": "How many?", "answer": f"{__name__}:Wish", "inbox": True})
    plan = Plan(plan="p", humans={"buyer": buyer}, steps={"wish": StepPlan.model_validate({"human": "buyer"})}, outputs="$wish.colour")
    bound = Binding("r", plan, Lock(), {}, None, {}, str(folder / "spec.yaml"))
    return run_flow(store, bound, Surroundings(EnvironmentSecrets({}), store=store))


def test_a_message_is_made_whole_as_an_answer_is(tmp_path: Path) -> None:
    """What it leaves out is what its type says, in the journal too: a later step may name it."""
    store = open_store(tmp_path / "store")
    desk.leave_message(store, "r", Answer("answer", '{"count": 3}', "ada", 1.0))
    finished = _run(store, tmp_path).finished
    assert finished is not None
    assert finished.outputs == "any"
    assert [one.value for one in read_events(store, "r") if isinstance(one, QuestionClosed)] == [{"count": 3, "colour": "any"}]


def test_a_message_that_is_damaged_is_named(tmp_path: Path) -> None:
    """With what to do about it; and then the run goes on."""
    store = open_store(tmp_path / "store")
    store.create(paths.message("r", 1), b"{")
    with pytest.raises(Corrupt, match=r"inbox/.*1 in .* can't be read") as caught:
        _run(store, tmp_path)
    assert caught.value.help == "remove that object, and say it again with `darner say`"
    store.delete(paths.message("r", 1))
    assert _run(store, tmp_path).waits.parked
