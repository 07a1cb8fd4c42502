"""A run under another plan: what of it is opened again, and what nobody waits for any more.

What is done stays done, by the names of its steps. What is open is done as the new plan says, and of its calls those that are
still asked for are served. Only what was *decided* by the old plan, and what has another shape now, is decided anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..compiler.plan import Plan, StepPlan
from . import graph
from .events import QuestionAsked, TimerSet
from .rounds import enclosing, inside
from .state import RunState


@dataclass(frozen=True, slots=True)
class Renewal:
    """Paths of steps that are open again, and calls that wait no longer; see `events.TakenUp`."""

    again: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def renewal(old: Plan, new: Plan, state: RunState) -> Renewal:
    """Return what another plan means for a run.

    Args:
        old: the plan that the run was last gone on with.
        new: the plan that it goes on with.
        state: how it stands.
    """
    again = dict.fromkeys(_again(new.plan, old.steps, new.steps, state, ""))
    return Renewal(tuple(again), tuple(one.call for one in state.waits.pending if _is_gone(new, state, one)))


def _again(title: str, old: Mapping[str, StepPlan], new: Mapping[str, StepPlan], state: RunState, prefix: str) -> Iterator[str]:
    steps = graph.build_steps(title, new)
    reshaped = [name for name in new if name in old and _is_reshaped(old[name], new[name], state, prefix + name)]
    opened = {*reshaped, *graph.dependants(steps, reshaped)}
    # In the order of the plan: whoever was skipped because of a step that is open again comes after it.
    for name in steps:
        outcome = state.outcome(prefix + name)
        if outcome is not None and outcome.kind == "skipped" and (old.get(name) != new[name] or opened & graph.wires(steps, name).needs):
            opened.add(name)
    yield from (prefix + name for name in new if name in opened and _is_known(state, prefix + name))
    for before, after, below in _open_loops(old, new, state, prefix):
        yield from _again(title, before, after, state, below)


def _is_reshaped(old: StepPlan, new: StepPlan, state: RunState, path: str) -> bool:
    """Return whether what is on record of a step is of another shape, or is the beginning of something else."""
    if (old.map is None, old.loop is None) != (new.map is None, new.loop is None):
        return True
    return path in state.maps and state.outcome(path) is None and old.map != new.map


def _is_known(state: RunState, path: str) -> bool:
    return state.outcome(path) is not None or path in state.maps or path in state.rounds.now


def _is_gone(plan: Plan, state: RunState, waiting: QuestionAsked | TimerSet) -> bool:
    """Return whether something is waited for on behalf of a step that isn't there, or that asks somebody else."""
    step = _step_at(plan, state.step_of(waiting.parent))
    if step is None:
        return True
    return isinstance(waiting, QuestionAsked) and waiting.about == "question" and waiting.human not in {step.human, *step.calls}


def _step_at(plan: Plan, path: str) -> StepPlan | None:
    steps: Mapping[str, StepPlan] = plan.steps
    found: StepPlan | None = None
    for one in enclosing(path):
        found = steps.get(one.rpartition("/")[2].partition("[")[0])
        steps = found.loop.steps if found is not None and found.loop is not None else {}
    return found


def _open_loops(
    old: Mapping[str, StepPlan], new: Mapping[str, StepPlan], state: RunState, prefix: str
) -> Iterator[tuple[Mapping[str, StepPlan], Mapping[str, StepPlan], str]]:
    """Yield the bodies, old and new, of the loops that are in a round, with what the paths of that round begin with."""
    for path, now in state.rounds.now.items():
        rest = path.removeprefix(prefix)
        name = rest.partition("[")[0]
        if not path.startswith(prefix) or "/" in rest or name not in old or name not in new:
            continue
        before, after = old[name].loop, new[name].loop
        if before is not None and after is not None and path not in state.steps:
            yield before.steps, after.steps, f"{inside(path, now.number)}/"
