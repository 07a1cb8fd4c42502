"""Secrets stay out of prompts, results, and the spec itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..diagnostics import Findings
from ..meaning.pipeline import Pipeline, StepNode
from ..source import Span
from ..text.syntax import ScalarNode, walk
from ..wires import references

_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|AIza[0-9A-Za-z_-]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----)"
)
"""How well-known providers' keys begin, with as many letters as no ordinary word has."""


def secrets_stay_secret(pipeline: Pipeline, findings: Findings) -> None:
    """Report secrets that would reach a model, a person or a result, and keys that are written out."""
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        for place, where in _exposed(pipeline, node):
            help_ = "give it to a tool, under tools: with: {key: $secrets.NAME}, which is called with it and records nothing of it"
            findings.error("E907", f"a secret would be in {where}", place, help=help_)
    flow = pipeline.main.spec.flow
    if flow is not None and _names_a_secret(flow.outputs):
        findings.error("E907", "a secret would be in the outputs", pipeline.main.span("flow", "outputs"), help="leave it out")
    for bound in (pipeline.main, *pipeline.libraries):
        for found in walk(bound.tree):
            if isinstance(found, ScalarNode) and isinstance(found.value, str) and _KEY.search(found.value):
                help_ = "take it out, make it invalid, and name it: secrets: [NAME]"
                findings.error("E908", "this looks like a key", found.span, help=help_)


def _exposed(pipeline: Pipeline, node: StepNode) -> Iterator[tuple[Span, str]]:
    kind = node.callee.kind if node.callee is not None else None
    where = {"agent": "a prompt", "human": "a question"}.get(kind or "")
    if where is not None and _names_a_secret(node.step.with_):
        yield pipeline.main.span(*node.path, "with"), where
    if node.step.map is not None and _names_a_secret(node.step.map.over):
        yield pipeline.main.span(*node.path, "map", "over"), "the items of a map"
    if node.step.loop is not None and _names_a_secret([node.step.loop.state, node.step.loop.with_]):
        yield pipeline.main.key_span(*node.path, "loop"), "the state of a loop"


def _names_a_secret(value: object) -> bool:
    return any(ref.root == "secrets" for ref in references(value))
