"""Types of values that travel along wires, as plain data: what annotations look like once they have been read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from .frozen import Frozen


class ScalarType(Frozen):
    """A value without parts. ``code`` is text that a model wrote and that must run caged."""

    kind: Literal["scalar"] = "scalar"
    name: Literal["str", "int", "float", "bool", "bytes", "datetime", "date", "decimal", "code", "none"]


class AnyType(Frozen):
    """Whatever JSON can carry; the annotation says ``Any`` or ``object``."""

    kind: Literal["any"] = "any"


class LiteralType(Frozen):
    """One of some values: a ``Literal[...]``, or an Enum's values where ``enum`` names it."""

    kind: Literal["literal"] = "literal"
    values: tuple[str | int | bool, ...]
    enum: str | None = None


class ListType(Frozen):
    """A list, tuple of one type, set or sequence."""

    kind: Literal["list"] = "list"
    item: Type


class DictType(Frozen):
    """A mapping from text to one type."""

    kind: Literal["dict"] = "dict"
    value: Type


class UnionType(Frozen):
    """One of several types; with ``none`` among them it is optional."""

    kind: Literal["union"] = "union"
    options: tuple[Type, ...]


class RecordType(Frozen):
    """A pydantic model, dataclass or TypedDict; its fields stand in the table of records."""

    kind: Literal["record"] = "record"
    ref: str


class ArrowType(Frozen):
    """A ``pyarrow.RecordBatch``."""

    kind: Literal["arrow"] = "arrow"


class CallType(Frozen):
    """A handle to something callable: ``Call[In, Out]``, ``Call[..., Out]`` (no input) or ``Ask[A]``."""

    kind: Literal["call"] = "call"
    ask: bool = False
    input: Type | None = None
    output: Type


class VerdictType(Frozen):
    """What a loop's ``next`` returns: ``Continue[S]``, ``Stop[S]`` or ``Bail``."""

    kind: Literal["verdict"] = "verdict"
    name: Literal["Continue", "Stop", "Bail"]
    state: Type | None = None


class OpaqueType(Frozen):
    """An annotation that cannot travel along a wire, by the name it has in Python."""

    kind: Literal["opaque"] = "opaque"
    name: str


class MissingType(Frozen):
    """No annotation at all."""

    kind: Literal["missing"] = "missing"


Type = Annotated[
    ScalarType
    | AnyType
    | LiteralType
    | ListType
    | DictType
    | UnionType
    | RecordType
    | ArrowType
    | CallType
    | VerdictType
    | OpaqueType
    | MissingType,
    Field(discriminator="kind"),
]


class FieldType(Frozen):
    """One field of a record."""

    name: str
    type: Type
    required: bool = True
    personal: bool = False


class Record(Frozen):
    """A record type as it was read from Python."""

    ref: str
    style: Literal["pydantic", "dataclass", "typeddict"]
    fields: tuple[FieldType, ...]

    def field(self, name: str) -> FieldType | None:
        """Return the field of that name, or None."""
        return next((one for one in self.fields if one.name == name), None)


Records = Mapping[str, Record]

NONE = ScalarType.model_construct(name="none")


def is_known(type_: Type) -> bool:
    """Return whether a type says anything about its values."""
    return not isinstance(type_, AnyType | MissingType)


def describe(type_: Type) -> str:
    """Return a type as a person writes it: ``list[Finding]``, ``Product | None``, ``research | clarify``."""
    return _DESCRIBED[type_.kind](type_)


def _describe_scalar(type_: ScalarType) -> str:
    return {"none": "None", "code": "Code"}.get(type_.name, type_.name)


def _describe_literal(type_: LiteralType) -> str:
    return " | ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in type_.values)


def _describe_call(type_: CallType) -> str:
    if type_.ask:
        return f"Ask[{describe(type_.output)}]"
    return f"Call[{'...' if type_.input is None else describe(type_.input)}, {describe(type_.output)}]"


def _describe_verdict(type_: VerdictType) -> str:
    return type_.name if type_.state is None else f"{type_.name}[{describe(type_.state)}]"


_DESCRIBED: Mapping[str, Callable[[Any], str]] = {
    "scalar": _describe_scalar,
    "any": lambda _: "Any",
    "literal": _describe_literal,
    "list": lambda type_: f"list[{describe(type_.item)}]",
    "dict": lambda type_: f"dict[str, {describe(type_.value)}]",
    "union": lambda type_: " | ".join(describe(option) for option in type_.options),
    "record": lambda type_: type_.ref.partition(":")[2],
    "arrow": lambda _: "RecordBatch",
    "call": _describe_call,
    "verdict": _describe_verdict,
    "opaque": lambda type_: type_.name,
    "missing": lambda _: "unannotated",
}
