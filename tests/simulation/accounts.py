"""What must be so of money and tokens: what the run counted is what its models billed, and no bound holds less than was used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from darner.compiler.plan import StepPlan
from darner.compiler.settings import Budget, Limits
from darner.runtime.amounts import Usage
from darner.runtime.events import CallFailed, CallFinished, CallStarted
from darner.runtime.state import RunState

from .lives import Story
from .places import step_at
from .town import Charge

_BILLED = re.compile(r"billed as (\d+)")
NOTHING = Usage()


def bills_are_counted_once(story: Story, state: RunState) -> None:
    """Over all lives: each request that answered is on record once, as it was billed, and the sums are those of the bills.

    What nobody has seen is what was under way when a process was gone, or a time was over in that very moment.
    """
    billed = [number for number, _, _ in _bills(story)]
    assert max(Counter(billed).values(), default=1) == 1, billed
    for number, tokens, cost in _bills(story):
        charge = story.town.charges[number]
        assert (charge.tokens, charge.cost) == (tokens, cost), charge
    counted = [story.town.charges[number] for number in billed]
    assert state.tokens == sum(one.tokens for one in counted)
    assert state.cost == sum((one.cost for one in counted), Decimal(0))
    if "crashed" not in story.ends:
        assert len(counted) == len(story.town.charges), "a bill that nobody has seen, and no process is gone"


def _bills(story: Story) -> Iterator[tuple[int, int, Decimal]]:
    """Yield what a journal says of requests that were billed: the bill's number, tokens, money."""
    for one in story.events:
        if isinstance(one, CallFinished) and one.what == "model":
            yield int(one.value["provider_response_id"]), one.input_tokens + one.output_tokens, one.cost
        elif isinstance(one, CallFailed) and (found := _BILLED.search(one.help or "")) and (one.input_tokens or one.cost):
            yield int(found[1]), one.input_tokens + one.output_tokens, one.cost


def no_bound_is_exceeded(story: Story, state: RunState) -> None:
    """Of the run, its policy, its loops, steps and agents: by nothing, where requests use what was certain of them before.

    Where they use more, by what one of them, sent alone near the edge, used more than that.
    """
    if any(one.asked.about == "rescue" for one in state.waits.questions.values()):
        return  # a person may have raised it
    charges = story.town.charges
    over = max((one.over for one in charges), default=0)
    dearer = max((one.dearer for one in charges), default=Decimal(0))
    for where, bound, used in _bounds(story):
        assert bound.tokens is None or used.tokens <= bound.tokens + over, (where, bound, used)
        assert bound.cost is None or used.cost <= bound.cost + dearer, (where, bound, used)


def _bounds(story: Story) -> Iterator[tuple[str, Budget | Limits, Usage]]:
    """Yield each bound with where it is and what was used of it, summed from the bills on record, over all lives."""
    plan, sums = story.plan, _sums(story)
    run = sums.get("", NOTHING)
    yield "run", plan.budget or Budget(), run
    yield "policy", Budget.model_construct(cost=plan.policy.max_cost), run
    for path, used in sums.items():
        step = step_at(plan.steps, path) if path else None
        if step is not None:
            yield from ((path, one, used) for one in _of(step))
    names = {one.call: one.name for one in story.events if isinstance(one, CallStarted) and one.what == "agent"}
    for call, name in names.items():
        yield call, plan.agents[name].limits or Limits(), sums.get(call, NOTHING)


def _of(step: StepPlan) -> Iterator[Budget | Limits]:
    if step.limits is not None:
        yield step.limits
    if step.loop is not None and step.loop.budget is not None:
        yield step.loop.budget


def _sums(story: Story) -> dict[str, Usage]:
    """Return what was used of each thing: the run (""), each step and loop by its path, each agent's call."""
    parents = {one.call: one.parent for one in story.events if isinstance(one, CallStarted)}
    found: dict[str, Usage] = {}
    for one in story.events:
        if isinstance(one, CallFinished | CallFailed) and (one.input_tokens or one.cost):
            used = Usage(1, one.input_tokens, one.output_tokens, one.cost)
            for where in ("", *_above(one.parent, parents)):
                found[where] = found.get(where, NOTHING) + used
    return found


def _above(parent: str, parents: dict[str, str]) -> Iterator[str]:
    """Yield the calls on whose behalf one is made, then the paths of its step and of the loops around it."""
    while parent in parents:
        yield parent
        parent = parents[parent]
    parts = parent.split("/")
    yield from ("/".join(parts[: count + 1]) for count, part in enumerate(parts) if not part.isdigit())


def unseen(story: Story) -> list[Charge]:
    """Return the bills that are not on record."""
    seen = {number for number, _, _ in _bills(story)}
    return [one for one in story.town.charges if one.number not in seen]


CHECKS = (bills_are_counted_once, no_bound_is_exceeded)
