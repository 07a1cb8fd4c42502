"""Two plans compared: what changed, and what each change means for what is there already."""

from __future__ import annotations

from typing import Any

import pytest

from darner.compiler.diff import changes, consequences
from darner.compiler.plan import Lock, Plan

JOB: dict[str, Any] = {
    "plan": "index",
    "models": {"small": {"use": "openai:gpt-5-mini"}},
    "datasets": {
        "feed": {"use": "files", "type": "shop:Product", "key": "sku"},
        "out": {"use": "lancedb", "type": "shop:Row", "key": "sku"},
    },
    "agents": {"enricher": {"model": "small", "prompt": "enrich.j2", "input": "shop:Product", "output": "shop:Row"}},
    "job": {"source": "feed", "sink": {"to": "out"}},
    "stages": {"clean": {"shape": "row", "runs": "shop:clean"}, "enrich": {"shape": "row", "runs": "enricher", "output": "shop:Row"}},
}
LOCK = Lock(callables={"shop:clean": "1", "shop:Row": "1"}, prompts={"enricher": "1"})


def told(plan: dict[str, Any], lock: Lock = LOCK) -> tuple[list[str], list[str]]:
    """Return what changed since `JOB`, and which nodes it has consequences for."""
    old, new = Plan.model_validate(JOB), Plan.model_validate(plan)
    found = changes((old, LOCK), (new, lock))
    return [one.where for one in found], [one.where for one in consequences(old, new, found)]


def edited(*path: str, to: Any) -> dict[str, Any]:
    """Return the job with one thing changed."""
    head, *rest = path
    return _set(JOB, [head, *rest], to)


def _set(value: dict[str, Any], path: list[str], to: Any) -> dict[str, Any]:
    head, *rest = path
    return {**value, head: _set(value.get(head, {}), rest, to) if rest else to}


def test_equal_plans_differ_in_nothing() -> None:
    """Nothing changed, nothing costs."""
    assert told(JOB) == ([], [])


@pytest.mark.parametrize(
    ("plan", "lock", "where", "redone"),
    [
        (JOB, LOCK.model_copy(update={"callables": {"shop:clean": "2", "shop:Row": "1"}}), "code.shop:clean", ["stages.clean"]),
        (JOB, LOCK.model_copy(update={"prompts": {"enricher": "2"}}), "prompts.enricher", ["stages.enrich"]),
        (edited("models", "small", "use", to="openai:gpt-5"), LOCK, "models.small", ["stages.enrich"]),
        (edited("stages", "clean", "version", to=2), LOCK, "stages.clean", ["stages.clean"]),
        (edited("stages", "clean", "batch", to=64), LOCK, "stages.clean", []),
        (edited("models", "small", "rate", to={"concurrency": 2}), LOCK, "models.small", []),
        (edited("policy", to={"max_cost": "5 USD"}), LOCK, "policy", []),
    ],
)
def test_a_stage_is_done_again_where_something_that_its_results_depend_on_changed(
    plan: dict[str, Any], lock: Lock, where: str, redone: list[str]
) -> None:
    """Code, prompts, models and versions redo exactly the stages that they reach; how fast and where redo none."""
    changed, means = told(plan, lock)
    assert changed == [where]
    assert means == ([*redone, "rows"] if redone else ["stages"])
