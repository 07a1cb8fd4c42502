"""What people answer: read from what they write, checked against what was recorded with the question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from ..compiler.settings import Limits
from .events import QuestionAsked
from .failures import Refused
from .ports import Json
from .relief import ROUNDS

By: TypeAlias = Literal["answer", "timeout", "default", "escalated", "cancelled", "changed"]

VERDICTS: Mapping[str, Mapping[str, str]] = {
    "approval": {
        "approve": "do it, with exactly these arguments",
        "edit {…}": "do it with other arguments",
        "deny [REASON]": "don't; the reason goes to whoever asked",
    },
    "reconcile": {
        "done [VALUE]": "it happened, and this came of it",
        "do it": "it didn't happen: do it now",
        "abort": "fail the step",
    },
    "rescue": {
        "value VALUE": "go on with this as the step's result",
        "retry [HINT]": "try once more; the hint goes to the agent",
        "raise {…}": "raise limits (turns, calls, tokens, cost, time; of a loop rounds) and go on",
        "skip": "settle the step as skipped",
        "abort": "fail the step",
    },
}
"""What may be answered, by what the question is about; a plain question takes a value of its type."""
_NEEDS = {"edit": "arguments", "value": "value", "raise": "limits"}
_TAKES = {**_NEEDS, "deny": "reason", "done": "value", "retry": "hint"}
_RAISED = f'raise takes limits such as {{"turns": 20, "cost": "0.50 USD"}}: some of {", ".join(Limits.model_fields)}; of a loop {ROUNDS}'
_SCALARS = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
SHOWN = 60
"""Characters of a value or a text that a message shows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What ended a question, as it is kept in the store; whoever creates it first wins."""

    by: By
    value: Json = None
    who: str | None = None
    at: float = 0.0

    def text(self) -> bytes:
        """Return the bytes of the object that holds it."""
        return json.dumps({"by": self.by, "value": self.value, "who": self.who, "at": self.at}, ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )


def read(content: bytes) -> Answer:
    """Return an answer from the store's bytes; raises ValueError where they hold none."""
    told = json.loads(content)
    if not isinstance(told, dict) or told.get("by") not in get_args(By):
        msg = "it is no answer"
        raise ValueError(msg)
    return Answer(told["by"], told.get("value"), told.get("who"), float(told.get("at", 0.0)))


def parse(asked: QuestionAsked, text: str) -> Json:
    """Return what a person wrote as the answer to a question; `Refused` says what would fit."""
    value = _plain(asked, text) if asked.about == "question" else _verdict(asked, text)
    reason = unfit(asked, value)
    if reason is not None:
        raise Refused(f"the answer doesn't fit the question {asked.question}: {reason}", help=how(asked))
    return value


def unfit(asked: QuestionAsked, value: Json) -> str | None:
    """Return why a value is no answer to a question, or None where it is one."""
    if asked.about == "question":
        return next(faults(asked.answer_schema, value), None)
    words = [known.split()[0] for known in VERDICTS[asked.about]]
    if not isinstance(value, dict) or value.get("verdict") not in words:
        return f"it must be one of {', '.join(VERDICTS[asked.about])}"
    return _unfit_verdict(asked, value)


def _unfit_verdict(asked: QuestionAsked, value: dict[str, Any]) -> str | None:
    verdict = value["verdict"]
    needed = _NEEDS.get(verdict)
    if needed is not None and needed not in value:
        return f"{verdict} needs {needed}"
    unknown = sorted(set(value) - {"verdict", _TAKES.get(verdict, "")})
    if unknown:
        return f"{verdict} takes no {unknown[0]}"
    if verdict == "raise":
        return _unfit_limits(value["limits"])
    if verdict in {"edit", "value"}:
        return next(faults(asked.answer_schema, value[_NEEDS[verdict]]), None)
    return None


def _unfit_limits(limits: Json) -> str | None:
    rounds = limits.get(ROUNDS) if isinstance(limits, dict) else None
    is_round = isinstance(rounds, int) and not isinstance(rounds, bool) and rounds > 0
    try:
        known = Limits.model_validate({key: value for key, value in limits.items() if key != ROUNDS or not is_round})
    except (ValueError, AttributeError):
        return _RAISED
    return None if is_round or known != Limits() else _RAISED


def how(asked: QuestionAsked) -> str:
    """Return what may be answered, as help."""
    if asked.about != "question":
        return "answer " + ", ".join(f"`{word}`" for word in VERDICTS[asked.about])
    if not asked.answer_schema:
        return "any text, or JSON"
    return "any text" if asked.answer_schema == {"type": "string"} else f"an answer is {_described(asked.answer_schema)}"


def _described(schema: Any) -> str:
    text = json.dumps(schema, ensure_ascii=False, sort_keys=True)
    names = ", ".join(schema["properties"]) if isinstance(schema, dict) and "properties" in schema else None
    if names is not None:
        return f"a JSON object with {names}"
    if isinstance(schema, dict) and "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    kind = schema.get("type") if isinstance(schema, dict) else None
    return _SCALARS[kind] if isinstance(kind, str) and kind in _SCALARS else f"JSON like {text}"


def _plain(asked: QuestionAsked, text: str) -> Json:
    """Return a text as it is where that fits, else as JSON."""
    whole = next(faults(asked.answer_schema, text), None) is None
    return text if whole and asked.answer_schema else _json_or_text(text)


def _verdict(asked: QuestionAsked, text: str) -> Json:
    """Return ``deny too dear`` or ``{"verdict": "deny", "reason": "too dear"}`` as the latter."""
    word, _, rest = text.strip().partition(" ")
    word, rest = word.rstrip(":,").lower(), rest.strip()
    if word.startswith("{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise Refused(f"the answer is no JSON: {error}", help=how(asked)) from error
    if word == "do" and rest in {"", "it"}:
        return {"verdict": "do"}
    takes = _TAKES.get(word)
    if takes is None or not rest:
        return {"verdict": word} | ({"arguments": _json_or_text(rest)} if rest else {})
    return {"verdict": word, takes: rest if takes in {"reason", "hint"} else _json_or_text(rest)}


def _json_or_text(text: str) -> Json:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def faults(schema: Any, value: Json, where: str = "", root: Any = None) -> Iterator[str]:
    """Yield what of a value doesn't fit a JSON Schema.

    Types, fields, alternatives and bounds are looked at; the owner of the run checks an answer against the Python type too.
    """
    if not isinstance(schema, Mapping):
        return
    root = schema if root is None else root
    if "$ref" in schema:
        yield from faults(_followed(root, schema["$ref"]), value, where, root)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            found = [next(faults(one, value, where, root), None) for one in schema[key]]
            if all(found):
                yield str(found[0]) if len(found) == 1 else f"{where or 'it'} fits none of its types: {'; '.join(map(str, found))}"
    for one in schema.get("allOf", ()):
        yield from faults(one, value, where, root)
    yield from _own_faults(schema, value, where or "it", root)


def _followed(root: Any, ref: str) -> Any:
    found = root
    for part in ref.removeprefix("#/").split("/"):
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    return found


def _own_faults(schema: Mapping[str, Any], value: Json, where: str, root: Any) -> Iterator[str]:
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if wanted and not any(_TYPES.get(kind, lambda _: True)(value) for kind in wanted):
        yield f"{where} must be {_a(' or '.join(wanted))}, not {_short(value)}"
        return
    if "enum" in schema and not any(type(one) is type(value) and one == value for one in schema["enum"]):
        yield f"{where} must be one of {', '.join(map(_short, schema['enum']))}, not {_short(value)}"
    if "const" in schema and schema["const"] != value:
        yield f"{where} must be {_short(schema['const'])}, not {_short(value)}"
    yield from _bound_faults(schema, value, where)
    if isinstance(value, dict):
        yield from _field_faults(schema, value, where, root)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from faults(schema["items"], item, f"{where}.{index}" if where != "it" else str(index), root)


def _bound_faults(schema: Mapping[str, Any], value: Json, where: str) -> Iterator[str]:
    size = len(value) if isinstance(value, str | list) else value
    if isinstance(size, bool) or not isinstance(size, int | float):
        return
    kinds: dict[type, tuple[str, str]] = {str: ("minLength", "maxLength"), list: ("minItems", "maxItems")}
    names = kinds.get(type(value), ("minimum", "maximum"))
    if names[0] in schema and size < schema[names[0]]:
        yield f"{where} must be at least {schema[names[0]]}{' long' if names[0] != 'minimum' else ''}"
    if names[1] in schema and size > schema[names[1]]:
        yield f"{where} must be at most {schema[names[1]]}{' long' if names[1] != 'maximum' else ''}"


def _field_faults(schema: Mapping[str, Any], value: dict[str, Any], where: str, root: Any) -> Iterator[str]:
    fields = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} lacks {name}"
    for name, item in value.items():
        below = name if where == "it" else f"{where}.{name}"
        if name in fields:
            yield from faults(fields[name], item, below, root)
        elif schema.get("additionalProperties", not fields) is False:
            # A record that says nothing of other fields would drop them in silence: a typing error of an optional one, most often.
            yield f"{where} has no field {name}" + (f"; its fields are {', '.join(fields)}" if fields else "")
        elif isinstance(schema.get("additionalProperties"), Mapping):
            yield from faults(schema["additionalProperties"], item, below, root)


def _a(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}" if words != "null" else words


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
