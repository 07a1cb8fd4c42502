"""Long conversations on a real journal in a folder: how many bytes each turn adds to the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darner.compiler.plan import Lock, ModelPlan, Plan, StepPlan
from darner.runtime.events import CallFinished
from darner.runtime.failures import DarnerError
from darner.runtime.journal import record
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import RunState, fold

from .world import agent, tool

TURN_TOKENS = 500
"""Tokens, of four letters, that a turn adds: two hundred turns make a conversation of 100,000."""
SAID = "word " * (TURN_TOKENS * 4 // 10)
"""What is asked, and what is answered, in one turn."""


def calls_of_one_agent(turns: int) -> tuple[Plan, str]:
    """Return a flow in which one agent with ``history: run`` is called again and again, and the script of its model."""
    steps = {
        f"turn_{n}": StepPlan.model_validate(
            {"agent": "assistant", "with": {"city": f"{n} {SAID}"}, "after": [f"turn_{n - 1}"] if n else []}
        )
        for n in range(turns)
    }
    script = f"replies: [{{answer: {{text: {SAID!r}}}}}]"
    return Plan(plan="grow", agents={"assistant": agent(history="run")}, steps=steps, outputs=None), script


def turns_of_one_call(turns: int) -> tuple[Plan, str]:
    """Return a flow with one call of an agent that asks its tool again and again, and the script of its model."""
    asked = "\n".join(f"  - {{when: {{turn: {n}}}, call: {{stock: {{item: {f'{n} {SAID}'!r}}}}}}}" for n in range(1, turns))
    script = f"replies:\n{asked}\n  - answer: {{text: done}}\n"
    steps = {"talk": StepPlan.model_validate({"agent": "assistant", "with": {"city": "Paris"}})}
    plan = Plan(plan="grow", agents={"assistant": agent(tools=("stock",))}, tools={"stock": tool("stock")}, steps=steps, outputs=None)
    return plan, script


def run(plan: Plan, script: str, folder: Path) -> RunState:
    """Run a plan with a scripted model; return its state."""
    path = folder / "script.yaml"
    path.write_text(script, encoding="utf-8")
    models = {"small": ModelPlan(use="darner.testing:scripted_model", params={"script": str(path)})}
    bound = Binding("r", plan.model_copy(update={"models": models}), Lock(), {}, None, {}, str(folder / "spec.yaml"))
    state = run_flow(open_store(folder / "store"), bound, Surroundings(EnvironmentSecrets({})))
    assert state.finished is not None
    if state.finished.status != "done":
        raise DarnerError(str(state.finished.error))
    assert fold(read_events(open_store(folder / "store"), "r")).conversations == state.conversations
    return state


def bytes_by_turn(folder: Path) -> list[int]:
    """Return how large the journal was after each answer of the model, in bytes, and what its blobs take, added to the last."""
    path = folder / "store/runs/r/journal/records.darner"
    sizes = []
    with path.open("rb") as file:
        for one in record.scan(file, path.stat().st_size, str(path)):
            answers = sum(isinstance(event, CallFinished) and event.what == "model" for event in record.decode(one, str(path)))
            sizes += [one.end] * answers
    blobs = folder / "store/runs/r/blobs"
    sizes[-1] += sum(one.stat().st_size for one in blobs.iterdir()) if blobs.exists() else 0
    return sizes


def bend(sizes: Sequence[int]) -> float:
    """Return how far a curve is from a straight line: what the second half adds, over what the first half adds (1 is straight)."""
    middle = len(sizes) // 2
    return (sizes[-1] - sizes[middle]) / (sizes[middle] - sizes[0])
