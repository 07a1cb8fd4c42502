"""Which values may go where: structurally, and with a reason where they may not."""

from __future__ import annotations

import pytest

from darner.compiler.meaning.assign import fits, optional, value_fits
from darner.compiler.meaning.follow import Astray, follow
from darner.compiler.types import (
    NONE,
    AnyType,
    DictType,
    FieldType,
    ListType,
    LiteralType,
    OpaqueType,
    Record,
    RecordType,
    ScalarType,
    Type,
    UnionType,
    describe,
)

STR, INT, FLOAT, BOOL = (ScalarType.model_validate({"name": name}) for name in ("str", "int", "float", "bool"))
KIND = LiteralType(values=("a", "b"))


def record(name: str, /, **fields: Type | tuple[Type, bool]) -> Record:
    """Return a record; a pair gives a field that is not required."""
    made = [
        FieldType(name=field, type=type_[0], required=type_[1]) if isinstance(type_, tuple) else FieldType(name=field, type=type_)
        for field, type_ in fields.items()
    ]
    return Record(ref=f"m:{name}", style="pydantic", fields=tuple(made))


NODE = RecordType(ref="m:Node")
RECORDS = {
    one.ref: one
    for one in (
        record("Wide", title=STR, price=FLOAT, tags=ListType(item=STR)),
        record("Narrow", title=STR),
        record("Other", title=STR, price=STR),
        record("Lenient", title=STR, more=(INT, False)),
        record("Node", name=STR, inner=(optional(NODE), False)),
        record("Tree", name=STR, inner=(optional(RecordType(ref="m:Tree")), False)),
    )
}
WIDE, NARROW, OTHER, LENIENT, TREE = (RecordType(ref=f"m:{name}") for name in ("Wide", "Narrow", "Other", "Lenient", "Tree"))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (STR, STR),
        (STR, AnyType()),
        (AnyType(), WIDE),
        (INT, FLOAT),
        (KIND, STR),
        (LiteralType(values=("a",)), KIND),
        (LiteralType(values=(1, 2)), FLOAT),
        (STR, optional(STR)),
        (optional(STR), optional(STR)),
        (UnionType(options=(STR, INT)), UnionType(options=(INT, STR, BOOL))),
        (WIDE, NARROW),
        (WIDE, LENIENT),
        (ListType(item=WIDE), ListType(item=NARROW)),
        (DictType(value=INT), DictType(value=FLOAT)),
        (NARROW, DictType(value=STR)),
        (NODE, TREE),
        (OpaqueType(name="UUID"), OpaqueType(name="UUID")),
        (STR, ScalarType(name="code")),
    ],
)
def test_what_fits(source: Type, target: Type) -> None:
    """A narrower consumer, a wider scalar, one of several options, types that contain themselves."""
    assert fits(source, target, RECORDS) is None


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        (FLOAT, INT, "a float is no int"),
        (BOOL, INT, "a bool is no int"),
        (INT, BOOL, "an int is no bool"),
        (STR, KIND, "a str is no a | b"),
        (LiteralType(values=("a", "c")), KIND, "c is none of a | b"),
        (LiteralType(values=(True,)), LiteralType(values=(1,)), "True is none of 1"),
        (optional(STR), STR, "None is no str"),
        (UnionType(options=(STR, INT)), STR, "an int is no str"),
        (FLOAT, optional(INT), "a float is no int"),
        (NARROW, WIDE, "Narrow is no Wide: it has no field price"),
        (OTHER, WIDE, "Other is no Wide: its field price: a str is no float"),
        (ListType(item=STR), ListType(item=INT), "list[str] is no list[int]: a str is no int"),
        (WIDE, DictType(value=STR), "its field price: a float is no str"),
        (ListType(item=STR), STR, "a list[str] is no str"),
        (STR, OpaqueType(name="UUID"), "a str is no UUID"),
    ],
)
def test_what_does_not_fit(source: Type, target: Type, why: str) -> None:
    """With the reason, down to the field."""
    assert fits(source, target, RECORDS) == why


@pytest.mark.parametrize(
    ("value", "target", "why"),
    [
        (3, INT, None),
        (3, FLOAT, None),
        (True, INT, "true is no int"),
        ("3", INT, "'3' is no int"),
        (None, STR, "null is no str"),
        (None, optional(STR), None),
        ("c", KIND, "'c' is none of a | b"),
        ([1, "x"], ListType(item=INT), "'x' is no int"),
        ({"title": "x"}, NARROW, None),
        ({"title": "x", "titel": "y"}, NARROW, "Narrow has no field titel"),
        ({}, NARROW, "Narrow needs the field title"),
        ({"title": 3}, NARROW, "title: 3 is no str"),
        ({"a": 1}, DictType(value=STR), "1 is no str"),
        ("x", WIDE, "'x' is no Wide"),
        (1, UnionType(options=(STR, BOOL)), "1 is no str | bool"),
        (NONE, AnyType(), None),
    ],
)
def test_literals_are_compared_with_types(value: object, target: Type, why: str | None) -> None:
    """What stands in a spec, read strictly."""
    assert value_fits(value, target, RECORDS) == why


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("title",), "str"),
        (("tags", 0), "str"),
        (("price",), "float"),
        (("prise",), "Wide has no field prise"),
        (("tags", "first"), "list[str] has no field first"),
        (("title", "x"), "str has no field x"),
    ],
)
def test_paths_are_followed(path: tuple[str | int, ...], found: str) -> None:
    """Fields of records, items of lists; where a path goes astray, it says why."""
    end = follow(WIDE, path, RECORDS)
    assert (end.message if isinstance(end, Astray) else describe(end)) == found


def test_a_path_through_something_optional_is_optional() -> None:
    """Twice through it is optional once."""
    end = follow(NODE, ("inner", "inner", "name"), RECORDS)
    assert end == optional(STR)
