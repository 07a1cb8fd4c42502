"""A plan as text and back: canonical, so that equal plans are equal bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..diagnostics import CompileError, Diagnostic, Findings
from ..plan import LoopPlan, Plan, StagePlan, StepPlan
from ..source import Position, SourceFile, Span
from ..text.parse import parse
from ..text.syntax import to_value
from ..text.yamltext import write
from .reactions import complete, minimal

SECTIONS = ("params", "models", "datasets", "resources", "tools", "agents", "humans", "nodes")
KINDS = ("callable", "tool", "agent", "human", "loop")
BATCH_SIZE = "batch_size"
"""A stage's ``batch`` in the text, where ``batch`` is a shape."""
SHAPES = ("row", "filter", "explode", "batch", "arrow")


def to_text(plan: Plan, *, full: bool = False) -> str:
    """Return a plan's text; with ``full`` defaults are written too, so that a later darner reads the same meaning."""
    tree = _dump(_completed(plan) if full else plan, full=full)
    steps, stages = tree.pop("steps", {}), tree.pop("stages", {})
    tree["nodes"] = {name: _step(step) for name, step in steps.items()} or {name: _stage(one) for name, one in stages.items()}
    head: dict[str, Any] = {key: tree.pop(key) for key in ("plan", "format") if key in tree}
    tail: dict[str, Any] = {key: tree.pop(key) for key in ("nodes", "outputs", "job") if key in tree}
    return write({**head, "format": plan.format, **tree, **tail}, spread=frozenset(SECTIONS))


def _dump(plan: Plan, *, full: bool) -> dict[str, Any]:
    dumped = plan.model_dump(mode="json", by_alias=True, exclude_defaults=not full, exclude_none=full)
    ordered: dict[str, Any] = _ordered(dumped, steps_at=("steps", "stages"))
    return {"plan": plan.plan, "format": plan.format, **{key: item for key, item in ordered.items() if key not in {"plan", "format"}}}


def _ordered(value: Any, steps_at: tuple[str, ...]) -> Any:
    """Sort the keys of what users named, where their order has no meaning; nodes keep theirs."""
    if not isinstance(value, Mapping):
        return [_ordered(item, steps_at) for item in value] if isinstance(value, list) else _short(value)
    free = {"with", "params", "default", "outputs", "when", "effects"}
    return {
        key: _sorted(item) if key in free else _nodes(item) if key in steps_at else _ordered(item, steps_at) for key, item in value.items()
    }


def _short(value: Any) -> Any:
    """Write 2 for 2.0: what a plan's own numbers are is said by their fields."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _nodes(nodes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _ordered(node, ("steps",)) for name, node in nodes.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _step(step: dict[str, Any]) -> dict[str, Any]:
    """Put what runs first."""
    kind = next(kind for kind in KINDS if step.get(kind) is not None)
    runs = step.pop(kind)
    if kind == "loop":
        runs = {**runs, "steps": {name: _step(one) for name, one in runs["steps"].items()}}
    return {kind: runs, **step}


def _stage(stage: dict[str, Any]) -> dict[str, Any]:
    """Write ``row: enricher`` for shape and what runs."""
    shape, runs = stage.pop("shape"), stage.pop("runs")
    return {shape: runs, **{BATCH_SIZE if key == "batch" else key: item for key, item in stage.items()}}


def _completed(plan: Plan) -> Plan:
    """Lay the language's reactions in wherever nothing but the language lies beneath."""
    return plan.model_copy(
        update={
            "tools": {name: _lay(one, complete) for name, one in plan.tools.items()},
            "agents": {name: _lay(one, complete) for name, one in plan.agents.items()},
            "steps": {name: _lay_step(one, complete) for name, one in plan.steps.items()},
            "stages": {name: _lay_stage(one, complete) for name, one in plan.stages.items()},
        }
    )


def _shortened(plan: Plan) -> Plan:
    """Take the language's reactions out again: what is left is what the spec says."""
    return plan.model_copy(
        update={
            "tools": {name: _lay(one, minimal) for name, one in plan.tools.items()},
            "agents": {name: _lay(one, minimal) for name, one in plan.agents.items()},
            "steps": {name: _lay_step(one, minimal) for name, one in plan.steps.items()},
            "stages": {name: _lay_stage(one, minimal) for name, one in plan.stages.items()},
        }
    )


def _lay(value: Any, change: Any) -> Any:
    return value.model_copy(update={"on_failure": change(value.on_failure)})


def _lay_step(step: StepPlan, change: Any) -> StepPlan:
    if isinstance(step.loop, LoopPlan):
        inner = {name: _lay_step(one, change) for name, one in step.loop.steps.items()}
        step = step.model_copy(update={"loop": step.loop.model_copy(update={"steps": inner})})
    changed: StepPlan = _lay(step, change) if step.callable is not None or step.loop is not None else step
    return changed


def _lay_stage(stage: StagePlan, change: Any) -> StagePlan:
    changed: StagePlan = _lay(stage, change) if ":" in stage.runs else stage
    return changed


def from_text(text: str, path: str = "plan.yaml") -> Plan:
    """Return the plan that a text holds; `CompileError` where it holds none. ``path`` is for messages."""
    source, findings = SourceFile(path, text), Findings()
    tree = parse(source, findings)
    findings.raise_if_any()
    value = to_value(tree) if tree is not None else {}
    try:
        return _shortened(Plan.model_validate_json(json.dumps(_from_tree(value)), strict=False))
    except (ValidationError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise CompileError([_no_plan(path, error)]) from error


def _no_plan(path: str, error: Exception) -> Diagnostic:
    start = Position(1, 1)
    first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
    what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else f"{type(error).__name__}: {error}"
    return Diagnostic("E901", f"this is no plan: {what}", Span(path, start, start), help="compile the spec again")


def _from_tree(value: Any) -> dict[str, Any]:
    tree = dict(value)
    nodes = tree.pop("nodes", {})
    if "job" in tree:
        return {**tree, "stages": {name: _stage_from(node) for name, node in nodes.items()}}
    return {**tree, "steps": nodes}


def _stage_from(node: Mapping[str, Any]) -> dict[str, Any]:
    shape = next(key for key in SHAPES if key in node)
    rest = {"batch" if key == BATCH_SIZE else key: item for key, item in node.items() if key != shape}
    return {"shape": shape, "runs": node[shape], **rest}
