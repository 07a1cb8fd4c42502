"""Python callables as tools."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import DatasetPlan, Plan, ToolPlan
from darner.runtime.failures import CallableError, Network, Refused, Semantic
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.tool_schema import interface
from darner.runtime.perform.tools import Tools
from darner.testing import MemoryBoundary, Recorded

from . import shop
from .world import HERE, tool


def _call(
    plan: ToolPlan,
    arguments: Any,
    *,
    recorded: Recorded | None = None,
    datasets: dict[str, DatasetPlan] | None = None,
    base: Path | None = None,
) -> Any:
    whole = Plan(plan="shop", tools={"it": plan}, secrets=("TOKEN",), datasets=datasets or {})
    tools = Tools(whole, secrets=EnvironmentSecrets({"TOKEN": "s3cr3t"}), params={"town": "Lima"}, base=base)
    return asyncio.run(tools.call(MemoryBoundary(recorded), "it", arguments, parent="step"))


def test_a_model_is_told_what_annotations_and_docstring_say() -> None:
    """Types, defaults and the Args section become the schema; the rest of the docstring is the description."""
    offered = interface("stock", shop.stock)
    assert offered.description == "How many are in stock."
    assert offered.schema == {
        "type": "object",
        "properties": {"item": {"type": "string", "title": "Item", "description": "the item's name, as it is printed on it"}},
        "required": ["item"],
        "additionalProperties": False,
    }
    assert interface("find", shop.find, ["where"]).schema["required"] == ["wanted"]


def test_arguments_become_python_values_and_results_json() -> None:
    """A pydantic parameter is an instance, a pydantic result is plain."""
    assert _call(tool("find", **{"with": {"where": "$params.town"}}), {"wanted": {"colour": "red"}}) == ["Lima:red:10"] * 3
    assert _call(tool("stock"), {"item": "mug"}) == {"item": "mug", "count": 3}
    assert _call(tool("slow_stock"), {"item": "pot"}) == {"item": "pot", "count": 3}


@pytest.mark.parametrize("arguments", [{}, {"item": 3}, {"item": "mug", "extra": 1}, "mug", None])
def test_wrong_arguments_are_semantic_and_name_what_is_wrong(arguments: Any) -> None:
    """The message is what a model is told; nothing was called."""
    recorded = Recorded()
    with pytest.raises(Semantic, match="wrong arguments for it"):
        _call(tool("stock"), arguments, recorded=recorded)
    assert recorded.results == {}


def test_plain_functions_run_in_threads() -> None:
    """A slow tool doesn't hold up the others."""
    assert _call(tool("thread_of"), {}) != "MainThread"


def test_fixed_arguments_are_hidden_and_filled_in() -> None:
    """A literal with two dollars is one dollar; `${params.x}` stands inside texts."""
    offered = tool("find", **{"with": {"where": "$$near ${params.town}", "limit": 1}})
    assert _call(offered, {"wanted": {"colour": "red", "largest": 2}}) == ["$near Lima:red:2"]
    with pytest.raises(Semantic, match="where"):
        _call(offered, {"wanted": {"colour": "red"}, "where": "elsewhere"})


@pytest.mark.parametrize(("use", "with_"), [("files", {"url": "rows.csv"}), ("memory", {"rows": [{"id": "1"}, {"id": "2"}]})])
def test_a_dataset_is_handed_over_as_a_handle(tmp_path: Path, use: str, with_: dict[str, Any]) -> None:
    """`$datasets.N` can be scanned, whatever its connector."""
    (tmp_path / "rows.csv").write_text("id,title\n1,mug\n2,pot\n", encoding="utf-8")
    rows = DatasetPlan.model_validate({"use": use, "type": f"{HERE}:Product", "key": "id", "with": with_, "fields": ("id", "title")})
    counting = tool("count_rows", **{"with": {"rows": "$datasets.rows"}})
    assert _call(counting, {}, datasets={"rows": rows}, base=tmp_path) == 2


def test_what_a_connector_can_t_do_is_said(tmp_path: Path) -> None:
    """A file can't be searched, and a wrong `with` is the dataset's mistake."""
    (tmp_path / "rows.csv").write_text("id,title\n1,mug\n", encoding="utf-8")
    files = {"use": "files", "type": f"{HERE}:Product", "key": "id", "fields": ("id", "title")}
    good, wrong = (DatasetPlan.model_validate({**files, "with": with_}) for with_ in ({"url": "rows.csv"}, {"path": "rows.csv"}))
    looking = tool("look_up", **{"with": {"rows": "$datasets.rows"}})
    with pytest.raises(Refused, match="the dataset rows can't get"):
        _call(looking, {"key": "1"}, datasets={"rows": good}, base=tmp_path)
    with pytest.raises(Refused, match="no option 'path'"):
        _call(looking, {"key": "1"}, datasets={"rows": wrong}, base=tmp_path)


def test_an_idempotency_key_is_handed_over_and_stays_the_same() -> None:
    """The key comes from the call's identity: a resumed run hands over the same one, another argument another."""
    plan = tool("keyed", effects="write", idempotent=True)
    first = _call(plan, {"item": "mug"})
    assert first == _call(plan, {"item": "mug"})
    assert first.startswith("mug:")
    assert first.partition(":")[2] != _call(plan, {"item": "pot"}).partition(":")[2]


def test_a_tool_that_takes_too_long_is_class_network() -> None:
    """Each attempt has the time-out of its own."""
    with pytest.raises(Network, match=r"took longer than 0\.05s"):
        _call(tool("sleepy", timeout="50ms", on_failure={"network": {"attempts": 2, "backoff": "1ms..1ms"}}), {})


def test_an_exception_arrives_with_its_own_type_and_cause() -> None:
    """A user looks for their own exception."""
    with pytest.raises(CallableError, match="the tool it raised KeyError: 'mug'") as caught:
        _call(tool("broken"), {"item": "mug"})
    assert caught.value.type_name == "KeyError"
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_refusal_of_the_tool_itself_is_recorded() -> None:
    """What a model was told must be told again after a crash, without calling the tool again."""
    recorded = Recorded()
    for _ in range(2):
        with pytest.raises(Semantic, match="there is: mug"):
            _call(tool("picky"), {"item": "pot"}, recorded=recorded)
    assert list(recorded.results.values()) == [{"darner.feedback": "pot is not in the catalogue; there is: mug"}]


def test_a_secret_reaches_the_tool_and_no_message() -> None:
    """`$secrets.TOKEN` is read when the tool is called, and masked in what is said about it."""
    with pytest.raises(CallableError, match=r"login with \[secret\] failed"):
        _call(tool("leaky", **{"with": {"token": "$secrets.TOKEN"}}), {})


def test_a_secret_is_masked_in_failures_that_a_tool_raises_as_darner_s_own() -> None:
    """What a model is told, and what is recorded of it, too."""
    recorded = Recorded()
    with pytest.raises(Semantic, match=r"^\[secret\] is no key"):
        _call(tool("leaky_refusal", **{"with": {"token": "$secrets.TOKEN"}}), {}, recorded=recorded)
    assert list(recorded.results.values()) == [{"darner.feedback": "[secret] is no key"}]
    once = {"network": {"attempts": 1}}
    with pytest.raises(Network) as caught:
        _call(tool("leaky_network", on_failure=once, **{"with": {"token": "$secrets.TOKEN"}}), {})
    assert "s3cr3t" not in f"{caught.value} {caught.value.args} {caught.value.message} {caught.value.help}"
    assert caught.value.help == "look whether [secret] is right"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sandbox": {"runtime": "monty"}}, "sandbox"),
        ({"egress": ["example.org"]}, "egress"),
    ],
)
def test_what_can_t_be_given_is_refused_before_anything_starts(changes: dict[str, Any], named: str) -> None:
    """A promise that isn't kept would be worse than a refusal."""
    with pytest.raises(Refused, match=f"asks for {named}"):
        _call(tool("stock", **changes), {"item": "mug"})


@pytest.mark.parametrize(
    ("use", "with_", "words"), [("anything", {}, "can't fill in"), ("stock", {"itme": "x"}, "which its callable doesn't take")]
)
def test_a_callable_that_can_t_be_a_tool_is_refused(use: str, with_: dict[str, Any], words: str) -> None:
    """The message says why."""
    with pytest.raises(Refused, match=words):
        _call(tool(use, **{"with": with_}), {})
