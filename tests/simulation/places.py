"""Where something of a run stands in its plan: paths of steps, rounds and items, without their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from darner.compiler.plan import StepPlan
from darner.runtime.looping import body


def written(path: str) -> str:
    """Return a path as a plan has it: ``improve/2/rate[3]`` is ``improve/rate``."""
    return "/".join(part.partition("[")[0] for part in path.split("/") if not part.isdigit())


def all_steps(steps: Mapping[str, StepPlan], prefix: str = "") -> Iterator[tuple[str, StepPlan]]:
    """Yield every step of a plan, those of loops too, with its path."""
    for name, step in steps.items():
        yield prefix + name, step
        if step.loop is not None:
            yield from all_steps(body(step), f"{prefix}{name}/")


def step_at(steps: Mapping[str, StepPlan], path: str) -> StepPlan | None:
    """Return the step that a path is of; None where it is of none."""
    return dict(all_steps(steps)).get(written(path))
