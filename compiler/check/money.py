"""Money: what is limited can be counted, and no limit is over the policy's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ..diagnostics import Findings, Label
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline
from ..quantities import format_money
from ..source import Span
from ..spec import Agent, Model
from .ceilings import note


def money_is_counted(pipeline: Pipeline, findings: Findings) -> None:
    """Report cost limits over the policy, a policy that no budget keeps, and cost limits over models without a price."""
    most = pipeline.policy.policy.max_cost
    limits = list(_limits(pipeline))
    for cost, place in limits:
        if most is not None and cost > most:
            message = f"{format_money(cost)} is over policy.max_cost {format_money(most)}"
            findings.error("E504", message, place, notes=note(pipeline, "max_cost"))
    if most is not None and _reaches_models(pipeline) and not _has_budget(pipeline):
        key = "flow" if pipeline.main.spec.flow is not None else "job"
        help_ = f"add {key}.budget: {{cost: {format_money(most)}}}, or less"
        message = "policy.max_cost limits a run, and the run has no budget"
        findings.error("E511", message, pipeline.main.key_span(key), help=help_, notes=note(pipeline, "max_cost"))
    _prices(pipeline, findings)


def _limits(pipeline: Pipeline) -> Iterator[tuple[Decimal, Span]]:
    main, flow, job = pipeline.main, pipeline.main.spec.flow, pipeline.main.spec.job
    for key, budget in (("flow", flow.budget if flow else None), ("job", job.budget if job else None)):
        if budget is not None and budget.cost is not None:
            yield budget.cost, main.span(key, "budget", "cost")
    for entry in pipeline.names.agents.values():
        if entry.value.limits is not None and entry.value.limits.cost is not None:
            yield entry.value.limits.cost, entry.span("limits", "cost")
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        if node.step.limits is not None and node.step.limits.cost is not None:
            yield node.step.limits.cost, main.span(*node.path, "limits", "cost")
        if node.step.loop is not None and node.step.loop.budget is not None and node.step.loop.budget.cost is not None:
            yield node.step.loop.budget.cost, main.span(*node.path, "loop", "budget", "cost")


def _reaches_models(pipeline: Pipeline) -> bool:
    return any(section == "models" for section, _ in pipeline.reached)


def _has_budget(pipeline: Pipeline) -> bool:
    flow, job = pipeline.main.spec.flow, pipeline.main.spec.job
    budget = flow.budget if flow is not None else job.budget if job is not None else None
    return budget is not None and budget.cost is not None


def _prices(pipeline: Pipeline, findings: Findings) -> None:
    """A cost that is limited somewhere is counted from the price of every model that may be asked there."""
    if _has_budget(pipeline) or _steps_with_cost(pipeline):
        agents = [one for one in pipeline.names.agents.values() if ("agents", one.name) in pipeline.reached]
    else:
        agents = [one for one in pipeline.names.agents.values() if one.value.limits is not None and one.value.limits.cost is not None]
    for agent in agents:
        for model in _chain(pipeline, agent):
            if pipeline.price_of(model.value) is None:
                labels = [Label(agent.place, "it is asked by this agent, whose cost is limited")]
                help_ = "add price: {input: 0.15 USD, output: 0.60 USD}: money for a million tokens"
                findings.error(
                    "E512", f"models.{model.name} has no price, and none is known for it", model.place, labels=labels, help=help_
                )


def _steps_with_cost(pipeline: Pipeline) -> bool:
    steps = pipeline.flow.all_steps() if pipeline.flow is not None else ()
    return any(one.step.limits is not None and one.step.limits.cost is not None for one in steps)


def _chain(pipeline: Pipeline, agent: Entry[Agent]) -> Iterator[Entry[Model]]:
    seen: set[str] = set()
    name = agent.value.model
    while name is not None and name not in seen and name in pipeline.names.models:
        seen.add(name)
        yield pipeline.names.models[name]
        name = pipeline.names.models[name].value.fallback
