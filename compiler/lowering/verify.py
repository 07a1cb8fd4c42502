"""What must hold of every plan, whoever made it: every name leads somewhere, and nothing waits for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..plan import Plan, StagePlan, StepPlan
from ..wires import references


class PlanError(Exception):
    """A plan that can't be run; ``problems`` says why, one line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def verify(plan: Plan) -> Plan:
    """Return the plan; `PlanError` where something in it leads nowhere."""
    problems = tuple(dict.fromkeys(_problems(plan)))
    if problems:
        raise PlanError(problems)
    return plan


def _problems(plan: Plan) -> Iterator[str]:
    if bool(plan.steps) == bool(plan.stages):
        yield "a plan has steps or stages"
    yield from _entries(plan)
    yield from _steps(plan, plan.steps, frozenset({"inputs"}))
    for name, stage in plan.stages.items():
        yield from _stage(plan, name, stage)
    if plan.job is not None:
        yield from _known(plan.datasets, f"job: source {plan.job.source}", plan.job.source)
        yield from _known(plan.datasets, f"job: sink {plan.job.sink.to}", plan.job.sink.to)


def _known(section: Mapping[str, object], what: str, *names: str | None) -> Iterator[str]:
    yield from (f"{what}: there is no {name}" for name in names if name is not None and name not in section)


def _entries(plan: Plan) -> Iterator[str]:
    for name, model in plan.models.items():
        yield from _known(plan.models, f"models.{name}", model.fallback)
    for name, resources in plan.resources.items():
        yield from _known(plan.resources, f"resources.{name}", resources.no_gpu)
    for name, tool in plan.tools.items():
        yield from _known(plan.resources, f"tools.{name}", tool.resources)
        yield from _known(plan.humans, f"tools.{name}", tool.approval)
    for name, agent in plan.agents.items():
        yield from _known(plan.models, f"agents.{name}", agent.model)
        yield from _known(plan.tools, f"agents.{name}", *(one.partition(".")[0] for one in agent.tools))
        yield from _known(plan.agents, f"agents.{name}", *agent.agents)


def _steps(plan: Plan, steps: Mapping[str, StepPlan], outer: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with steps; what they read must stand before them."""
    known = outer | {"params", "secrets", "datasets"}
    for name, step in steps.items():
        own = {step.map.as_} if step.map is not None else set()
        inside = references([step.with_, step.loop.state if step.loop else None])
        named = [(ref, known | own) for ref in inside] + [(ref, known) for ref in references(step.map.over if step.map else None)]
        for ref, visible in named:
            if ref.root not in visible:
                yield f"{name}: {ref} is not before it"
        for other in (*step.after, *(key.partition(".")[0] for key in step.when)):
            if other not in known:
                yield f"{name}: {other} is not before it"
        yield from _runs(plan, name, step)
        if step.loop is not None:
            yield from _steps(plan, step.loop.steps, known | own | {"state", "round"})
        known |= {name}


def _runs(plan: Plan, name: str, step: StepPlan) -> Iterator[str]:
    yield from _known(plan.tools, name, step.tool.partition(".")[0] if step.tool else None)
    yield from _known(plan.agents, name, step.agent)
    yield from _known(plan.humans, name, step.human)
    yield from _known(plan.resources, name, step.resources)
    everything = {**plan.tools, **plan.agents, **plan.humans}
    yield from _known(everything, name, *(one.partition(".")[0] for one in step.calls))


def _stage(plan: Plan, name: str, stage: StagePlan) -> Iterator[str]:
    yield from _known(plan.resources, name, stage.resources)
    if ":" not in stage.runs:
        yield from _known(plan.agents, name, stage.runs)
