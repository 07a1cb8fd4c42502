"""What loops mean: what a round sees, what `next` said, when going on is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..compiler.plan import LoopPlan, StepPlan
from ..compiler.settings import OnFailure, merge_reactions
from .failures import FAILURES, CallableError, Exhausted
from .ports import Json
from .rounds import scope
from .state import RunState
from .wiring import Lookup


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a loop's ``next`` said: go on with a state, stop with the loop's result, or give up for a reason."""

    says: Literal["continue", "stop", "bail"]
    value: Json = None


def of(step: StepPlan) -> LoopPlan:
    """Return a step's loop."""
    assert step.loop is not None  # noqa: S101 - whoever asks has looked
    return step.loop


def body(step: StepPlan) -> Mapping[str, StepPlan]:
    """Return the steps of a loop's rounds; what the loop says of time-outs and attempts lies below what each says itself."""
    return {name: _inherited(step, one) for name, one in of(step).steps.items()}


def _inherited(step: StepPlan, one: StepPlan) -> StepPlan:
    # What happens once attempts are used up is said for the loop as a whole.
    attempts: OnFailure = {name: reaction.model_copy(update={"then": None, "ask": None}) for name, reaction in step.on_failure.items()}
    timeout = one.timeout if one.timeout is not None else step.timeout
    return one.model_copy(update={"on_failure": merge_reactions(attempts, one.on_failure), "timeout": timeout})


def around(lookup: Lookup, state: Json, number: int) -> Lookup:
    """Return what is around the steps of a round: ``$state``, ``$round`` from 1, and what is around the loop."""
    own: dict[str, Json] = {"state": state, "round": number}
    return lambda root: own[root] if root in own else lookup(root)


def refuse_failed(state: RunState, prefix: str, failed: Sequence[str], number: int) -> None:
    """Raise the failure of the first step of a round that failed."""
    if not failed:
        return
    outcome = state.outcome(prefix + failed[0])
    if outcome is None or outcome.failure is None:
        raise CallableError(f"round {number}: {', '.join(failed)} failed")
    raise FAILURES[outcome.failure](f"round {number}: {failed[0]}: {outcome.reason}", type_name=outcome.type)


def refuse_to_go_on(path: str, max_rounds: int, number: int, last: Json, verdict: Verdict) -> None:
    """Raise `Exhausted`, with the last state, where a loop gave up, or has gone round as often as it may."""
    if verdict.says == "bail":
        failure = Exhausted(f"{path} gave up in round {number}: {verdict.value}", type_name="Bail")
        failure.last = last
        raise failure
    if number >= max_rounds:
        failure = Exhausted(
            f"{path} has gone round {number} times, which is its max_rounds",
            help="look at its last state, or raise max_rounds and start anew",
        )
        failure.last = verdict.value
        raise failure


def names(path: str) -> Iterator[str]:
    """Yield the names of a step and of the loops around it, innermost first, without rounds and items."""
    at = path
    while at:
        yield at.rpartition("/")[2].partition("[")[0]
        at = scope(scope(at))
