"""The JSON Schema of the language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter

from darner.compiler import settings, spec
from darner.compiler.binding.schema import json_schema
from darner.compiler.binding.words import WORDS, example, written

from .reading import parsed, read

EXAMPLES = sorted((Path(__file__).parents[1] / "golden").glob("*/spec.yaml"))
SCHEMA = json_schema()


STRUCTURE = {"$schema", "$defs", "$ref", "title", "description", "examples", "default", "type", "enum", "const", "anyOf"}
MAPPINGS = {"properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties"}
BOUNDS = {"items", "minItems", "pattern", "minLength", "minimum", "exclusiveMinimum"}
KNOWN = STRUCTURE | MAPPINGS | BOUNDS


def misfits(value: object, schema: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Yield where ``value`` doesn't fit: the part of JSON Schema that the language uses, and an error for any other part."""
    assert set(schema) <= KNOWN, f"this test doesn't know {set(schema) - KNOWN}"
    if "$ref" in schema:
        yield from misfits(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], at)
    if "anyOf" in schema and all(any(misfits(value, arm, at)) for arm in schema["anyOf"]):
        yield f"{at}: fits no arm"
    if "type" in schema and not is_a(value, schema["type"]):
        yield f"{at}: is no {schema['type']}"
        return
    if ("enum" in schema and value not in schema["enum"]) or ("const" in schema and value != schema["const"]):
        yield f"{at}: is none of the values"
    yield from out_of_bounds(value, schema, at)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from misfits(item, schema.get("items", {}), f"{at}.{index}")
    if isinstance(value, dict):
        yield from in_mapping(value, schema, at)


def out_of_bounds(value: object, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    """Yield which patterns and bounds a value breaks."""
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: doesn't match"
    if isinstance(value, int | float) and (value < schema.get("minimum", value) or value <= schema.get("exclusiveMinimum", value - 1)):
        yield f"{at}: too small"
    if isinstance(value, dict | list | str) and len(value) < max(schema.get(key, 0) for key in ("minItems", "minProperties", "minLength")):
        yield f"{at}: too short"


def in_mapping(value: Mapping[str, object], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    """Yield what doesn't fit inside a mapping."""
    yield from (f"{at}: lacks {name}" for name in schema.get("required", []) if name not in value)
    for name, item in value.items():
        inner = schema.get("properties", {}).get(name)
        inner = (
            inner
            if inner is not None
            else next((one for key, one in schema.get("patternProperties", {}).items() if re.search(key, name)), None)
        )
        inner = inner if inner is not None else schema.get("additionalProperties", True)
        yield from misfits(name, schema.get("propertyNames", {}), f"{at}.{name}")
        if inner is False:
            yield f"{at}: no key {name}"
        elif inner is not True:
            yield from misfits(item, inner, f"{at}.{name}")


def is_a(value: object, kind: str) -> bool:
    """Whether a value is of one of JSON Schema's types."""
    if isinstance(value, bool):
        return kind == "boolean"
    kinds: dict[str, Any] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "object": dict,
        "array": list,
        "null": type(None),
        "boolean": bool,
    }
    return isinstance(value, kinds[kind])


def test_every_spec_that_compiles_fits_the_schema() -> None:
    """The golden specs with a plan, the design's examples among them, are accepted by the schema that editors use."""
    compiled = [path for path in EXAMPLES if (path.parent / "plan.yaml").exists()]
    assert len(compiled) >= 8
    for path in compiled:
        assert list(misfits(parsed(path.read_bytes()).value, SCHEMA)) == [], path


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "{darner: 2}",
        "{darner: 1, nonsense: 1}",
        "{darner: 1, tools: {a: {effect: read}}}",
        "{darner: 1, tools: {a: {effects: reed}}}",
        "{darner: 1, models: {a-b: {}}}",
        "{darner: 1, resources: {a: {memory: 512}}}",
        "{darner: 1, tools: {a: {cache: shard}}}",
        "{darner: 1, name: a, flow: {steps: {}, outputs: 1}}",
        "{darner: 1, agents: {a: {limits: {turns: 0}}}}",
        "{darner: 1, tools: {a: {use: search}}}",
        "{darner: 1, tools: {a: {on_failure: {ooom: {}}}}}",
    ],
)
def test_what_the_compiler_refuses_the_schema_refuses(content: str) -> None:
    """An editor marks what the compiler would: unknown keys, wrong words, missing units, bad names, empty flows."""
    assert list(misfits(parsed(content).value, SCHEMA))
    assert read(content).codes


def models() -> Iterator[type[BaseModel]]:
    """Yield every model of the language."""
    names = {key.partition(".")[0] for key in WORDS}
    for name in sorted(names):
        model: type[BaseModel] = getattr(spec, name, None) or getattr(settings, name)
        model.model_rebuild()
        yield model


def test_every_key_of_the_language_is_explained_and_nothing_else_is() -> None:
    """The words and the models name the same keys, so that neither goes its own way."""
    reachable = {"Spec", *SCHEMA["$defs"]}
    known = {f"{model.__name__}.{info.alias or name}" for model in models() for name, info in model.model_fields.items()}
    assert {model.__name__ for model in models()} == reachable
    assert set(WORDS) == known


def test_every_example_is_right() -> None:
    """The example of each key is accepted by the language as the value of that key."""
    for model in models():
        for name, info in model.model_fields.items():
            key = info.alias or name
            value = WORDS[f"{model.__name__}.{key}"].example
            field: Any = info.annotation
            for one in info.metadata:
                field = Annotated[field, one]
            TypeAdapter(field).validate_python(value)


def test_every_example_can_be_pasted_into_a_file() -> None:
    """The line that a help shows is YAML, and means the example."""
    for name, word in WORDS.items():
        model, _, key = name.partition(".")
        line = example(model, key)
        assert line is not None
        assert parsed(line).value == {key: word.example}, line


def test_texts_that_mean_something_else_are_quoted() -> None:
    """A text that plain YAML would read as another value keeps its quotes."""
    assert written({"a": "x, y", "b": ["", "true", "k: v"], "c": True, "d": 1}) == '{a: "x, y", b: ["", "true", "k: v"], c: true, d: 1}'


def test_the_schema_says_what_each_key_means() -> None:
    """Editors show a description and an example beside every key."""
    for name, definition in {"Spec": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, one in definition["properties"].items():
            assert one["description"], f"{name}.{key}"
            assert one["examples"], f"{name}.{key}"
        assert definition["additionalProperties"] is False
    assert json_schema() == SCHEMA
