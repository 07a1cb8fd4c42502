"""Values of declared types as Arrow columns: one schema a type, and the same values back."""

# ruff: noqa: D101 - small types of a test
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from darner import Vector
from darner.runtime.batch.columns import JSON, conform, decode, encode, misfit, row_type
from darner.runtime.failures import CallableError, Semantic


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    LOW = 1


class Maker(BaseModel):
    name: str
    since: dt.date | None = None


class Everything(BaseModel):
    key: str
    count: int
    share: float
    flag: bool
    raw: bytes
    at: dt.datetime
    day: dt.date
    price: Decimal
    colour: Colour
    kind: Literal["a", "b"]
    level: Literal[1, 2]
    tags: list[str]
    pair: tuple[float, ...]
    ids: set[int]
    maker: Maker
    makers: list[Maker]
    attributes: dict[str, Any]
    either: int | str
    number: int | float
    maybe: str | None
    limited: Annotated[int, Field(ge=0)]
    vector: Vector
    deep: list[list[float]]
    levels: list[Level]
    colours: list[Colour | None]


@dataclass
class Point:
    x: float
    label: str | None = None


class Loose(TypedDict):
    name: str
    size: NotRequired[int]


def _everything() -> Everything:
    return Everything(
        key="k", count=2**53 + 1, share=0.1, flag=True, raw=b"\x00\xff", at=dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
        day=dt.date(2026, 1, 2), price=Decimal("12.3400000000000000000001"), colour=Colour.BLUE, kind="b", level=2, tags=["é", ""],
        pair=(0.1, 0.2), ids={1, 2}, maker=Maker(name="m"), makers=[Maker(name="n", since=dt.date(1999, 1, 1))],
        attributes={"a": [1, {"b": None}], "c": 2.5}, either="7", number=3.0, maybe=None, limited=1, vector=[0.5, 0.25], deep=[[1.0], []],
        levels=[Level.LOW], colours=[Colour.RED, None],
    )  # fmt: skip


def test_values_of_every_kind_come_back_equal() -> None:
    """Nothing is lost between two stages, neither precision nor None nor the difference between 7 and "7"."""
    rows = row_type(Everything)
    values = [_everything(), _everything().model_copy(update={"maybe": "there", "either": 7, "attributes": {}})]
    columns = dict(zip(rows.schema.names, encode(rows, values), strict=True))
    assert decode(rows, columns, 2) == values


def test_a_type_has_one_schema_whatever_the_values_are() -> None:
    """All parts of a stage can be laid together, empty lists and Nones among them."""
    rows = row_type(Everything)
    bare = _everything().model_copy(update={"tags": [], "makers": [], "vector": [], "maybe": None, "attributes": {}})
    for values in ([], [bare], [_everything()]):
        assert [column.type for column in encode(rows, values)] == rows.schema.types
    assert rows.schema.field("vector").type == pa.list_(pa.float32())
    assert rows.schema.field("pair").type == pa.list_(pa.float64())
    assert rows.schema.field("attributes").type == JSON
    assert [one.name for one in rows.schema if one.nullable] == ["maybe"]


def test_dataclasses_and_typed_dicts_are_rows_too() -> None:
    """What the compiler takes as a record, the runtime can store."""
    for annotation, values in ((Point, [Point(1.5), Point(2.5, "b")]), (Loose, [{"name": "a", "size": 3}])):
        rows = row_type(annotation)
        columns = dict(zip(rows.schema.names, encode(rows, values), strict=True))
        assert decode(rows, columns, len(values)) == values


def test_numpy_vectors_are_stored_without_a_python_number_each() -> None:
    """An embedder may return rows of an array."""

    class Embedded(BaseModel, arbitrary_types_allowed=True):
        vector: Vector

    rows = row_type(Embedded)
    make: Any = Embedded.model_construct
    values = [make(vector=vector) for vector in np.arange(6, dtype=np.float32).reshape(3, 2)]
    (column,) = encode(rows, values)
    assert column.to_pylist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert column.type == rows.schema.field("vector").type


def test_a_value_of_another_type_names_its_field() -> None:
    """What a callable builds without validation is found when it is stored."""
    rows = row_type(Point)
    with pytest.raises(Semantic, match="x: "):
        encode(rows, [Point("far")])  # type: ignore[arg-type] # a wrong value on purpose
    with pytest.raises(Semantic, match="x: it is None"):
        encode(rows, [Point(None)])  # type: ignore[arg-type] # likewise


def test_a_row_that_does_not_fit_is_told_from_those_that_do() -> None:
    """One bad row among good ones costs the good ones nothing."""
    rows = row_type(Point)
    columns: dict[str, Any] = {"x": pa.array([1.0, None]), "label": pa.array(["a", "b"])}
    assert decode(rows, columns, 2) == [Point(1.0, "a"), None]
    assert "x: " in misfit(rows, {"x": None, "label": "b"}).message


class Picky(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def _known(cls, value: int) -> int:
        return {1: 1, 3: 3}[value]


def test_a_row_at_which_a_type_s_own_validator_fails_is_told_from_those_that_fit() -> None:
    """Pydantic lets through what isn't a ValueError: one row must not end the run of all."""
    rows = row_type(Picky)
    assert decode(rows, {"number": pa.array([1, 2, 3])}, 3) == [Picky(number=1), None, Picky(number=3)]
    assert misfit(rows, {"number": 2}).message == "the row doesn't fit Picky: KeyError: 2"
    with pytest.raises(Semantic, match="KeyError: 4"):
        conform(rows, {"number": 4})


def test_what_a_callable_returns_must_be_of_its_type() -> None:
    """A dict that fits is taken, anything else is refused with both types named."""
    rows = row_type(Point)
    assert conform(rows, {"x": 1}) == Point(1.0)
    with pytest.raises(Semantic, match=r"gave a str.*says Point"):
        conform(rows, "far")
    with pytest.raises(CallableError, match="str has no fields"):
        row_type(str)


@pytest.mark.parametrize(("field", "value", "words"), [("name", 5, "type int, .* says str"), ("count", "x", "type str, .* says int")])
def test_a_value_of_another_type_is_told_in_the_words_of_the_annotation(field: str, value: object, words: str) -> None:
    """Which field, what it is, what is wanted; not that Arrow expected bytes where a str is meant."""

    class Row(BaseModel):
        name: str = "a"
        count: int = 1

    wrong = Row().model_copy(update={field: value})
    with pytest.raises(Semantic, match=f"{field}: it is of {words}"):
        encode(row_type(Row), [wrong])
