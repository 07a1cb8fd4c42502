"""A request that can't be afforded is not made, however many are under way at once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.settings import Price
from darner.runtime.amounts import Bound, Estimate, Usage
from darner.runtime.failures import Exhausted
from darner.runtime.reservations import UNLIMITED, Reservations
from darner.runtime.usage import Used
from darner.testing import ModelServer

from .selling import given, plan, priced, sold, together

HERE = "tests.money.selling"
ANSWER = "replies: [{text: a fine mug, usage: {input: 3, output: 100}, delay: 0.05}]"
"""As many tokens of output as are allowed, and of input no more than the least that is reckoned: 0.002006 USD."""
ONE = Decimal("0.002006")
LIMITED = {"max_tokens": 100}


class Heedless(Reservations):
    """A broken variant: what others have under way is nobody's concern."""

    def _holds(self, bound: Bound, used: Used, most: Usage) -> bool:  # noqa: ARG002 - the seam's shape
        return True


@pytest.mark.parametrize("budget", [{"cost": "0.0210 USD"}, {"tokens": 1040}], ids=["money", "tokens"])
def test_fifty_branches_at_once_never_overshoot_a_budget(budget: dict[str, Any]) -> None:
    """So many requests as can be paid are sent, and answered; of the others the server never hears."""
    with ModelServer(ANSWER) as server:
        seen = together(plan(server, params=LIMITED, budget=budget), 50)
        assert server.requests == 10
        assert len(seen.refused) == 40
        assert (seen.state.cost, seen.state.tokens) == (10 * ONE, 1030)
        assert seen.state.cost == priced(given(server))
        assert all("and the next request needs at least" in one for one in seen.refused)


def test_branches_that_heed_no_other_overshoot() -> None:
    """The broken variant: each looks at what was used, and at nothing that is under way."""
    with ModelServer(ANSWER) as server:
        seen = together(plan(server, params=LIMITED, budget={"cost": "0.0210 USD"}), 20, Heedless())
        assert server.requests > 10
        assert seen.state.cost > 11 * ONE


def test_what_is_held_back_is_given_back_so_that_nothing_affordable_is_refused() -> None:
    """Ten answers of a tenth of what they may be fit where one whole one would: those that don't fit at first only wait."""
    with ModelServer("replies: [{text: short, usage: {input: 3, output: 10}, delay: 0.02}]") as server:
        seen = together(plan(server, params=LIMITED, budget={"cost": "0.0041 USD"}), 10)
        assert (server.requests, seen.refused) == (10, [])
        assert seen.state.cost == 10 * Decimal("0.000206")


def test_an_answer_that_nothing_limits_waits_its_turn_near_the_edge() -> None:
    """Without ``max_tokens`` the first answers are reckoned long, later ones by what came: they overshoot by one at the most."""
    with ModelServer("replies: [{text: long, usage: {input: 3, output: 1000}, delay: 0.02}]") as server:
        seen = together(plan(server, budget={"tokens": 5000}), 20)
        assert server.requests == 5
        assert 5000 <= seen.state.tokens <= 5000 + 1003


@pytest.mark.parametrize("limits", [{"cost": "0.0030 USD"}, {"tokens": 150}])
def test_a_limit_of_an_agent_is_kept_by_what_its_next_request_needs(tmp_path: Path, limits: dict[str, Any]) -> None:
    """The first answer is refused by its check; another one could not be paid, and is not asked for."""
    script = "replies: [{text: LOUD, usage: {input: 3, output: 100}}]"
    with ModelServer(script) as server:
        state = sold(plan(server, params=LIMITED, limits=limits, check=f"{HERE}:no_shouting"), tmp_path)
        assert server.requests == 1
    assert "the agent seller has used up its limits." in state.steps["ask"].reason
    assert state.steps["ask"].failure == "exhausted"


def test_a_request_that_could_never_be_paid_is_not_made_at_all(tmp_path: Path) -> None:
    """An answer may cost more than the budget holds: the provider is never asked, and the message says what it would take."""
    with ModelServer(ANSWER) as server:
        state = sold(plan(server, params={"max_tokens": 100_000}, budget={"cost": "1.00 USD"}), tmp_path)
        assert server.requests == 0
    assert "0 of 1.00 USD, and the next request needs at least 2.000" in state.steps["ask"].reason


def test_reservations_are_judged_by_the_least_and_kept_by_the_most() -> None:
    """One request alone may go where the least fits; beside others only where the most does."""
    price = Price.model_validate({"input": "2 USD", "output": "20 USD"})
    need, bound = Estimate("small", least=10, most=60, answer=100, price=price), Bound("s", "limits", tokens=300)
    kept = Reservations()
    assert kept.take("a", need, [(bound, Used())])
    assert kept.kept("s").tokens == 160
    assert not kept.take("b", need, [(bound, Used())])
    kept.release("a")
    kept.release("a")
    assert kept.take("b", need, [(bound, Used(tokens=190))])
    kept.release("b")
    assert kept.kept("s") == Usage()
    with pytest.raises(Exhausted, match=r"limits\.tokens: 191 of 300 tokens, and the next request needs at least 110 tokens"):
        kept.take("b", need, [(bound, Used(tokens=191))])


def test_an_answer_without_a_limit_is_kept_for_by_what_its_model_gave() -> None:
    """At first it is reckoned long, then twice as long as the longest so far."""
    need, bound = Estimate("small", least=1, most=1), Bound("s", "limits", tokens=10**6)
    kept = Reservations()
    kept.take("a", need, [(bound, Used())])
    assert kept.kept("s").tokens == 1 + UNLIMITED
    kept.release("a")
    kept.answered("small", 400)
    kept.answered("small", 300)
    kept.take("a", need, [(bound, Used())])
    assert kept.kept("s").tokens == 801
