"""The JSON Schema of the language, for editors: its shape, its words, an example of each key."""

from __future__ import annotations

from typing import Any

from ..spec import Spec
from .words import word

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema of a spec or a library as plain JSON, the same on every call."""
    schema = Spec.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = {name: _told(name, one) for name, one in sorted(schema.pop("$defs").items())}
    return {"$schema": DIALECT, "title": "darner 1", **_told("Spec", schema), "$defs": definitions}


def _told(model: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema with what its keys mean, without the titles and defaults that pydantic adds."""
    told = {name: value for name, value in schema.items() if name != "title"}
    told["properties"] = {key: _key(model, key, one) for key, one in schema.get("properties", {}).items()}
    return told


def _key(model: str, key: str, schema: dict[str, Any]) -> dict[str, Any]:
    known = word(model, key)
    rest = {name: value for name, value in schema.items() if name not in {"title", "default", "examples", "description"}}
    closed = _closed(rest)
    return {"description": known.meaning, **closed, "examples": [known.example]} if known else closed


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in which a mapping whose names follow a pattern takes no other names."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [_closed(arm) for arm in schema["anyOf"]]}
    return {**schema, "additionalProperties": False} if "patternProperties" in schema else schema
