"""Plans as text: canonical, and read back as they were written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darner.compiler.diagnostics import CompileError, Findings
from darner.compiler.lowering.lower import from_text, to_text
from darner.compiler.plan import Plan
from darner.compiler.source import SourceFile
from darner.compiler.text.parse import parse
from darner.compiler.text.syntax import to_value
from darner.compiler.text.yamltext import write

SHORTEST = "plan: shortest\nformat: 1\nnodes:\n  hits:\n    callable: shop:search\noutputs: $hits\n"

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        "yes",
        "no",
        "1d",
        "0x1f",
        "12:30:45",
        "1_000",
        "016",
        "~",
        "null",
        "- a",
        "a: b",
        "#",
        "$x.0",
        "${params.x}",
        "{{ x }}\nb\n",
        "a\n\n",
        "*a",
        "\ta",
    ]
)
values = st.recursive(scalars | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8)


def read(text: str) -> object:
    """Read YAML as specs are read."""
    findings = Findings()
    tree = parse(SourceFile("x.yaml", text), findings)
    assert findings.ordered() == ()
    assert tree is not None
    return to_value(tree)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_whatever_is_written_is_read_back(value: dict[str, object]) -> None:
    """Any plain value survives the way through the text: quotes stand wherever YAML would read something else."""
    assert read(write(value)) == value
    assert read(write(value, spread=frozenset(value))) == value


def test_a_text_of_several_lines_stands_as_a_block() -> None:
    """Prompts are read by people."""
    assert write({"prompt": "one\n\n  two\n"}) == "prompt: |\n  one\n\n    two\n"
    assert write({"prompt": "one\ntwo"}) == "prompt: |-\n  one\n  two\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plan: [",
        "plan: x\nformat: 2\n",
        "plan: x\nformat: 1\nnodes:\n  a: {callable: m:f, tool: t}\n",
        "plan: x\nformat: 1\nnodes:\n  a: {round: m:f}\njob: {source: a, sink: {to: b}}\n",
        "plan: x\nformat: 1\nunknown: 1\n",
        "plan: x\nformat: 1\nnodes: 3\n",
        "plan: x\nformat: 1\ntimeout: 3\n",
    ],
)
def test_a_text_that_is_no_plan_is_refused(text: str) -> None:
    """A damaged plan in a store is an error with a place, never a traceback and never another plan."""
    with pytest.raises(CompileError) as caught:
        from_text(text, "runs/1/plan.yaml")
    assert caught.value.diagnostics[0].span.path == "runs/1/plan.yaml"


def test_a_plan_of_the_wrong_shape_has_its_own_code() -> None:
    """`darner explain E901` says where plans come from."""
    with pytest.raises(CompileError) as caught:
        from_text("plan: x\nformat: 1\nunknown: 1\n")
    assert [one.code for one in caught.value.diagnostics] == ["E901"]


def test_full_text_holds_what_the_language_would_have_filled_in() -> None:
    """A run stores the full form, so that a later darner with other defaults reads the same meaning."""
    plan = from_text(SHORTEST)
    full = to_text(plan, full=True)
    assert "network: {attempts: 5, backoff: 1s..1m, then: fail}" in full
    assert from_text(full) == plan
    changed = from_text(full.replace("attempts: 5", "attempts: 9"))
    assert changed.steps["hits"].on_failure["network"].attempts == 9


def test_a_plan_is_equal_to_itself_only() -> None:
    """The short form is what `--check-golden` compares: it changes with every change of meaning."""
    plan = from_text(SHORTEST)
    other = Plan.model_validate({**plan.model_dump(by_alias=True), "outputs": {"found": "$hits"}})
    assert to_text(plan) == SHORTEST
    assert to_text(other) != SHORTEST
