"""Whatever a file holds, the front of the compiler answers with a spec or with findings."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from darner.compiler.telling.render import as_github, as_json, as_text

from .reading import Reading, read
from .test_schema import SCHEMA

SIGNS = "- [ ] { } , : & * ! | > ' \" # % @ ` ? << ~ --- ... &a *a !!str |2 >- \\ \t \n \r\n \u2028 \x85 \ufeff \x00"
NAMES = "darner name flow job steps stages use with tools agents models: null true 1 1.5 .inf 0o7 1_000 on $a m:f é 😀"
WORDS = st.sampled_from([*SIGNS.split(" "), *NAMES.split(" ")])
SOUP = st.lists(st.one_of(WORDS, st.sampled_from(["\n", "\n  ", "\n    ", " ", ": ", "- "])), max_size=40).map("".join)


def answered(reading: Reading) -> None:
    """A file is bound, or there are findings with known codes, places inside it, and help; and all can be shown."""
    assert reading.bound is not None or reading.found
    for one in reading.found:
        assert one.code.startswith(("E1", "E2"))
        assert one.message
        assert "\n" not in one.message
        if reading.source is not None:
            assert 1 <= one.span.start.line <= len(reading.source.lines)
            assert one.span.start <= one.span.end
            assert one.span.start.column <= len(reading.source.line(one.span.start.line)) + 1
    sources = {reading.source.path: reading.source} if reading.source else {}
    assert as_text(reading.found, sources) or not reading.found
    assert len(json.loads(as_json(reading.found))) == len(reading.found)
    assert len(as_github(reading.found).splitlines()) == len(reading.found)


@given(content=st.binary(max_size=200))
@example(b"\xff")
@example(b"\xef\xbb\xbf")
def test_any_bytes_are_answered(content: bytes) -> None:
    """Random bytes never raise anything."""
    answered(read(content))


@given(content=st.text(max_size=200))
def test_any_text_is_answered(content: str) -> None:
    """Random text never raises anything."""
    answered(read(content.encode("utf-8", "surrogatepass")))


@settings(max_examples=400)
@given(content=SOUP)
@example("darner: 1\n? |\n")
@example("&a &b c")
@example("a: !<x> y")
def test_any_soup_of_yaml_is_answered(content: str) -> None:
    """The signs of YAML and the words of the language, in any order, never raise anything."""
    answered(read(content.encode()))


def values(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that mostly fit a schema: the shape is right, and now and then a piece is not."""
    wrong: st.SearchStrategy[Any] = st.sampled_from(
        [None, True, 0, -1, 1.5, "", "x", "$a.b", "512Mi", "30s", "m:f", [], {}, [[]], {"a": 1}]
    )
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    return st.one_of(fitting(schema, depth), wrong) if depth else fitting(schema, depth)


def fitting(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    """Values of a schema's own shape."""
    if "anyOf" in schema:
        return st.one_of([values(arm, depth) for arm in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if schema.get("examples") and depth > 4:
        return st.sampled_from(schema["examples"])
    items: dict[str, Any] = schema.get("items", {})
    kinds: dict[str | None, st.SearchStrategy[Any]] = {
        "object": mappings(schema, depth),
        "array": st.lists(later(items, depth), max_size=2),
        "string": st.sampled_from([*schema.get("examples", []), "m.n:f", "a", "$a"]),
        "integer": st.integers(0, 5),
        "number": st.floats(0, 5),
        "boolean": st.booleans(),
    }
    return kinds.get(schema.get("type"), st.sampled_from([None, 1, "a", "$a.b"]))


def later(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    """Values one level further down, worked out when they are needed: the language contains itself."""
    return st.deferred(lambda: values(schema, depth + 1))


def mappings(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    """Mappings of a schema: some of its keys, or some names where any may stand."""
    if depth > 5:
        return st.just({})
    keys = schema.get("properties")
    if keys is None:
        inner: dict[str, Any] = next(iter(schema.get("patternProperties", {}).values()), {})
        return st.dictionaries(st.sampled_from(["a", "b", "c-d"]), later(inner, depth), max_size=2)
    required = {key: later(one, depth) for key, one in keys.items() if key in schema.get("required", [])}
    optional = {key: later(one, depth) for key, one in keys.items() if key not in required}
    return st.lists(st.sampled_from([*optional, *required]), max_size=4, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({**required, **{key: optional[key] for key in chosen if key in optional}})
    )


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(value=values(SCHEMA))
def test_anything_near_the_language_is_answered(value: object) -> None:
    """Files of nearly the right shape never raise anything, wherever they are wrong."""
    answered(read(json.dumps(value).encode()))
