"""Plans as drawings, in Mermaid and in DOT."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ..plan import Plan, StepPlan
from ..wires import parse_reference, references

Look = Literal["solid", "dashed", "thick"]
Form = Literal["end", "step", "person", "cluster", "store"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Something drawn: a step, a callee, an end. ``inside`` is the loop that it stands in."""

    id: str
    label: str
    form: Form = "step"
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line from one shape to another: solid for a value, dashed for an order or a condition, thick for a call."""

    start: str
    end: str
    label: str = ""
    look: Look = "solid"


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn, whatever the language."""

    shapes: tuple[Shape, ...]
    arrows: tuple[Arrow, ...]


def drawing(plan: Plan) -> Drawing:
    """Return the drawing of a flow or a job."""
    parts = list(_job(plan) if plan.job is not None else _flow(plan))
    shapes = {one.id: one for one in parts if isinstance(one, Shape)}
    arrows = dict.fromkeys(one for one in parts if isinstance(one, Arrow))
    return Drawing(tuple(shapes.values()), tuple(arrows))


def _flow(plan: Plan) -> Iterator[Shape | Arrow]:
    if plan.inputs is not None:
        yield Shape("inputs", f"inputs: {plan.inputs.rpartition(':')[2]}", "end")
    yield from _steps(plan, plan.steps, "", {"inputs": "inputs"})
    yield Shape("outputs", "outputs", "end")
    yield from (Arrow(ref.root, "outputs", ".".join(map(str, ref.path))) for ref in references(plan.outputs))


def _steps(plan: Plan, steps: Mapping[str, StepPlan], inside: str, known: Mapping[str, str]) -> Iterator[Shape | Arrow]:
    """Yield the steps of one scope; ``known`` maps what they may read to what is drawn for it."""
    names = {**known, **{name: f"{inside}{name}" for name in steps}}
    for name, step in steps.items():
        id_ = names[name]
        yield Shape(id_, _label(name, step), _form(step), inside.rstrip("."))
        yield from _wires(step, id_, names)
        yield from _calls(plan, step, id_)
        if step.loop is not None:
            yield from _steps(plan, step.loop.steps, f"{id_}.", {**names, "state": id_})


def _label(name: str, step: StepPlan) -> str:
    if step.loop is not None:
        return f"{name}: up to {step.loop.max_rounds} rounds"
    runs = step.agent or step.tool or step.human or (step.callable or "").rpartition(":")[2]
    many = ", each" if step.map is not None else ""
    return (name if runs == name else f"{name}: {runs}") + many


def _form(step: StepPlan) -> Form:
    return "cluster" if step.loop is not None else "person" if step.human is not None else "step"


def _wires(step: StepPlan, id_: str, names: Mapping[str, str]) -> Iterator[Arrow]:
    own = {step.map.as_} if step.map is not None else set()
    read = [step.with_, step.map.over if step.map else None, step.loop.state if step.loop else None]
    for ref in references(read):
        if ref.root in names and ref.root not in own:
            yield Arrow(names[ref.root], id_, ".".join(map(str, ref.path)))
    for key, values in step.when.items():
        ref_ = parse_reference(f"${key}")
        if ref_ is not None and ref_.root in names:
            said = " or ".join(json.dumps(value) if isinstance(value, bool) else str(value) for value in values)
            field = ".".join(map(str, ref_.path))
            yield Arrow(names[ref_.root], id_, f"{field} is {said}" if field else said, "dashed")
    yield from (Arrow(names[name], id_, "after", "dashed") for name in step.after if name in names)


def _calls(plan: Plan, step: StepPlan, id_: str) -> Iterator[Shape | Arrow]:
    waiting = [(id_, name) for name in step.calls]
    if step.agent is not None:
        waiting += [(id_, name) for name in _callees(plan, step.agent)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        caller, name = waiting.pop(0)
        if (caller, name) in seen:
            continue
        seen.add((caller, name))
        callee = f"use {name}"
        yield Shape(callee, name, "person" if name in plan.humans else "step")
        yield Arrow(caller, callee, "", "thick")
        waiting += [(callee, inner) for inner in _callees(plan, name)]


def _callees(plan: Plan, name: str) -> tuple[str, ...]:
    """Return what an agent or a tool may reach on its own."""
    if name in plan.agents:
        return (*plan.agents[name].tools, *plan.agents[name].agents)
    tool = plan.tools.get(name)
    return (tool.approval,) if tool is not None and tool.approval is not None else ()


def _job(plan: Plan) -> Iterator[Shape | Arrow]:
    if plan.job is None:
        return
    source, sink = f"source {plan.job.source}", f"sink {plan.job.sink.to}"
    yield Shape(source, plan.job.source, "store")
    before = source
    for name, stage in plan.stages.items():
        runs = stage.runs.rpartition(":")[2]
        yield Shape(name, name if runs == name else f"{name}: {runs}")
        yield Arrow(before, name, "" if stage.shape == "row" else stage.shape)
        before = name
        if stage.runs in plan.agents:
            for callee in _callees(plan, stage.runs):
                yield Shape(f"use {callee}", callee)
                yield Arrow(name, f"use {callee}", "", "thick")
    yield Shape(sink, plan.job.sink.to, "store")
    yield Arrow(before, sink, plan.job.sink.mode)


# ── Mermaid ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_MERMAID: Mapping[Form, tuple[str, str]] = {
    "end": ("([", "])"),
    "step": ("[", "]"),
    "person": ("{{", "}}"),
    "cluster": ("[", "]"),
    "store": ("[(", ")]"),
}
_MERMAID_ARROWS: Mapping[Look, str] = {"solid": "-->", "dashed": "-.->", "thick": "==>"}


def draw_mermaid(plan: Plan) -> str:
    """Return a plan's drawing as a Mermaid flowchart."""
    drawn = drawing(plan)
    ids = {one.id: f"n{number}" for number, one in enumerate(drawn.shapes)}
    lines = ["flowchart TD", *_mermaid_shapes(drawn, ids, "", 1)]
    for one in drawn.arrows:
        label = f"|{_mermaid_text(one.label)}|" if one.label else ""
        lines.append(f"  {ids[one.start]} {_MERMAID_ARROWS[one.look]}{label} {ids[one.end]}")
    return "\n".join(lines) + "\n"


def _mermaid_shapes(drawn: Drawing, ids: Mapping[str, str], inside: str, depth: int) -> Iterator[str]:
    pad = "  " * depth
    for one in drawn.shapes:
        if one.inside != inside:
            continue
        if one.form == "cluster":
            yield f"{pad}subgraph {ids[one.id]} [{_mermaid_text(one.label)}]"
            yield from _mermaid_shapes(drawn, ids, one.id, depth + 1)
            yield f"{pad}end"
        else:
            left, right = _MERMAID[one.form]
            yield f"{pad}{ids[one.id]}{left}{_mermaid_text(one.label)}{right}"


def _mermaid_text(text: str) -> str:
    return '"' + text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("#", "&num;") + '"'


# ── DOT ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DOT: Mapping[Form, str] = {"end": "oval", "step": "box", "person": "hexagon", "cluster": "box3d", "store": "cylinder"}
_DOT_ARROWS: Mapping[Look, str] = {"solid": "solid", "dashed": "dashed", "thick": "bold"}


def draw_dot(plan: Plan) -> str:
    """Return a plan's drawing in the language of Graphviz."""
    drawn = drawing(plan)
    lines = [f"digraph {json.dumps(plan.plan)} {{", "  rankdir=TB;", *_dot_shapes(drawn, "", 1)]
    for one in drawn.arrows:
        label = f", label={json.dumps(one.label)}" if one.label else ""
        lines.append(f"  {json.dumps(one.start)} -> {json.dumps(one.end)} [style={_DOT_ARROWS[one.look]}{label}];")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_shapes(drawn: Drawing, inside: str, depth: int) -> Iterator[str]:
    pad = "  " * depth
    for one in drawn.shapes:
        if one.inside != inside:
            continue
        node = f"{json.dumps(one.id)} [shape={_DOT[one.form]}, label={json.dumps(one.label, ensure_ascii=False)}];"
        if one.form != "cluster":
            yield f"{pad}{node}"
            continue
        yield f"{pad}subgraph {json.dumps('cluster ' + one.id)} {{"
        yield f"{pad}  {node}"
        yield from _dot_shapes(drawn, one.id, depth + 1)
        yield f"{pad}}}"
