"""The engine, simulated: a seed gives plan, order, clock, faults and crashes; whatever they are, a run comes to one end."""

from __future__ import annotations

import random

import pytest

from .worlds import tell

FEW, MANY = range(60), range(60, 2000)


def check(seed: int) -> None:
    """Check a seed: the message of what fails names it."""
    undisturbed = tell(seed)
    where = f"seed {seed}: tests/simulation/worlds.py tell({seed})"
    assert undisturbed.lost == 0, where
    assert max(undisturbed.world.asked.values(), default=1) == 1, where
    other = tell(seed, order=1, faults=0.0)
    assert other.end == undisturbed.end, f"{where}, in another order"
    chance = random.Random(seed)
    for _ in range(4):
        crashes = [(1 + chance.randrange(12), chance.random() < 0.5) for _ in range(1 + chance.randrange(4))]
        story = tell(seed, crashes, order=chance.randrange(99))
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
