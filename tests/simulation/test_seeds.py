"""The engine, simulated: a seed gives plan, order, clock, faults and crashes; whatever they are, a run comes to one end."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count

import pytest

from darner.runtime.keys import Ordinals, TaskOf
from darner.runtime.ports import CallRequest

from .worlds import tell

FEW, MANY = [*range(60), 313], range(60, 2000)
"""313 found that a failed step inside a loop that was skipped came to life again."""


class PositionalKeys(Ordinals):
    """A broken variant: a call is known by its position in its step."""

    def claim(self, request: CallRequest, task: str, task_of: TaskOf) -> str:  # noqa: ARG002 - that it looks at nothing is what is wrong
        """Return the step and a number."""
        self._seen[request.parent] += 1
        return f"{request.parent} {self._seen[request.parent]}"


class CodeInKeys(Ordinals):
    """A broken variant: the callee's code is part of the identity, and each life finds other code."""

    def __init__(self) -> None:
        super().__init__()
        self._code = next(_CODE)

    def claim(self, request: CallRequest, task: str, task_of: TaskOf) -> str:
        """Return an identity that changes with the code."""
        return super().claim(request, task, task_of) + self._code


_CODE = map(str, count())


def check(seed: int, ordinals: Callable[[], Ordinals] = Ordinals) -> None:
    """Check a seed: the message of what fails names it."""
    undisturbed = tell(seed, ordinals=ordinals)
    where = f"seed {seed}: tests/simulation/worlds.py tell({seed})"
    assert undisturbed.lost == 0, where
    assert max(undisturbed.world.asked.values(), default=1) == 1, where
    other = tell(seed, order=1, faults=0.0, ordinals=ordinals)
    assert other.end == undisturbed.end, f"{where}, in another order"
    chance = random.Random(seed)
    for _ in range(4):
        crashes = [(1 + chance.randrange(12), chance.random() < 0.5) for _ in range(1 + chance.randrange(4))]
        story = tell(seed, crashes, order=chance.randrange(99), ordinals=ordinals)
        then = f"{where}, crashes={crashes}"
        assert story.end == undisturbed.end, then
        assert not story.doubled(), then
        assert set(story.world.asked) == set(undisturbed.world.asked), then
        assert story.world.effects == undisturbed.world.effects, then
        assert sum(story.world.asked.values()) == sum(undisturbed.world.asked.values()) + story.lost, then


@pytest.mark.parametrize("seed", FEW)
def test_a_run_comes_to_one_end_whatever_the_order_the_faults_and_the_crashes(seed: int) -> None:
    """Outputs and outcomes are equal; no call has two results; what is asked again is what was in flight; writes keep their keys."""
    check(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", MANY)
def test_the_same_for_many_seeds(seed: int) -> None:
    """Exhaustive."""
    check(seed)


@pytest.mark.parametrize("variant", [PositionalKeys, CodeInKeys])
def test_keys_that_are_wrong_are_caught(variant: Callable[[], Ordinals]) -> None:
    """By one of the seeds at least: positions change with the order, and code changes between lives."""
    with pytest.raises(AssertionError, match=r"seed \d+|left"):
        check_all(variant)


def check_all(ordinals: Callable[[], Ordinals]) -> None:
    """Check the few seeds, one after the other."""
    for seed in FEW:
        check(seed, ordinals)


def test_a_crash_at_every_commit_of_one_run() -> None:
    """Before and after each, in turn."""
    undisturbed = tell(7)
    commits = 1
    while True:
        stories = [tell(7, [(commits, before)]) for before in (False, True)]
        if all(story.lives == 1 for story in stories):
            break
        assert all(story.end == undisturbed.end for story in stories), f"crash at commit {commits}"
        commits += 1
    assert commits > 5


def test_a_simulation_is_the_same_again() -> None:
    """A seed is all that is needed to see a failure again."""
    first, second = tell(11, [(3, True)], order=5), tell(11, [(3, True)], order=5)
    assert first.events == second.events
