"""What references may name at each place of a spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..binding.bound import Bound
from ..diagnostics import Findings
from ..meaning.pipeline import Pipeline, Scope, StepNode
from ..meaning.resolve import roots
from ..source import Span
from ..text.syntax import Path
from .values import Misfit, Visible

NOT_YET = "it runs later: it reads what comes from here, directly or through others"
ONLY_INSIDE = "it is a step inside a loop; outside, only the loop's result is visible"
_OF_MODELS, _OF_OTHERS = ("use", "base_url", "params"), ("with", "default")
"""The keys of entries whose values may hold references."""
NO_DATASETS = "$datasets.NAME is a handle for tools: give it to the tool itself, under tools"


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a spec, and what it may name. ``path`` leads to it in its file."""

    value: Any
    bound: Bound
    path: Path
    visible: Visible

    def span(self, misfit: Misfit) -> Span:
        """Return where a misfit inside this value stands."""
        return self.bound.span(*self.path, *misfit.path)

    def report(self, misfit: Misfit, findings: Findings, about: str = "") -> None:
        """Add a misfit as a finding."""
        findings.error(misfit.code, f"{about}{misfit.message}", self.span(misfit), help=misfit.help)


def everywhere(pipeline: Pipeline) -> Visible:
    """Return what tools, stages and datasets may name."""
    return Visible(roots(), pipeline.records, {})


def of_model(pipeline: Pipeline) -> Visible:
    """Return what models may name."""
    return Visible({name: type_ for name, type_ in roots().items() if name != "datasets"}, pipeline.records, {"datasets": NO_DATASETS})


def of_step(pipeline: Pipeline, node: StepNode) -> Visible:
    """Return what a step's arguments may name."""
    types = {name: type_ for name, type_ in node.inside.items() if name != "datasets"}
    return Visible(types, pipeline.records, {**_hidden(pipeline), "datasets": NO_DATASETS})


def after_round(pipeline: Pipeline, node: StepNode, body: Scope) -> Visible:
    """Return what a loop's own ``with`` may name: what its body may, and the body's results."""
    inside = of_step(pipeline, node)
    results = {one.name: one.result for one in body.steps}
    own = {name: body.outer[name] for name in ("state", "round")}
    return Visible({**inside.types, **own, **results}, pipeline.records, inside.hidden)


def of_outputs(pipeline: Pipeline) -> Visible:
    """Return what a flow's outputs may name."""
    flow = pipeline.flow
    types = {**flow.outer, **{one.name: one.result for one in flow.steps}} if flow is not None else {}
    types.pop("datasets", None)
    return Visible(types, pipeline.records, {**_hidden(pipeline), "datasets": NO_DATASETS})


def _hidden(pipeline: Pipeline) -> dict[str, str]:
    """Return every step's name, with why it may not be visible."""
    flow = pipeline.flow
    if flow is None:
        return {}
    inner = {one.name: ONLY_INSIDE for one in flow.all_steps()}
    hidden = {**inner, **{one.name: NOT_YET for one in flow.steps}}
    if "inputs" not in flow.outer:
        hidden["inputs"] = "the flow has no inputs: add flow.inputs"
    return {**hidden, "state": "$state exists inside of a loop", "round": "$round exists inside of a loop"}


def values(pipeline: Pipeline) -> Iterator[Place]:
    """Yield every value of a spec that may hold references."""
    main, around, of_models = pipeline.main, everywhere(pipeline), of_model(pipeline)
    for entry in pipeline.names.all():
        keys = _OF_MODELS if entry.section == "models" else () if entry.section == "params" else _OF_OTHERS
        for key in keys:
            value = getattr(entry.value, "with_" if key == "with" else key, None)
            if value is not None:
                bound, path = entry.origins.get(key, (entry.bound, entry.path))
                yield Place(value, bound, (*path, key), of_models if entry.section == "models" else around)
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        yield from _in_step(pipeline, node)
    if main.spec.flow is not None:
        yield Place(main.spec.flow.outputs, main, ("flow", "outputs"), of_outputs(pipeline))
    for stage in pipeline.stages:
        yield Place(stage.stage.with_, main, (*stage.path, "with"), around)


def _in_step(pipeline: Pipeline, node: StepNode) -> Iterator[Place]:
    visible, main, step = of_step(pipeline, node), pipeline.main, node.step
    yield Place(step.with_, main, (*node.path, "with"), visible)
    if step.map is not None:
        before = {name: type_ for name, type_ in visible.types.items() if name != step.map.as_}
        yield Place(step.map.over, main, (*node.path, "map", "over"), Visible(before, visible.records, visible.hidden))
    if step.loop is not None and node.body is not None:
        yield Place(step.loop.state, main, (*node.path, "loop", "state"), visible)
        yield Place(step.loop.with_, main, (*node.path, "loop", "with"), after_round(pipeline, node, node.body))
