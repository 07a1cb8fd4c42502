"""Rows that don't fit the source's type, and columns that aren't there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, field_validator

from darner.connectors.registry import source
from darner.runtime.batch.parts import read_part
from darner.runtime.batch.planning.intake import intake_of, take_in
from darner.runtime.failures import Refused, Semantic

from .workshop import ITEM, Tables, item, rows, shop


class Strict(BaseModel):
    """A type with a constraint, choices, a list, a nested value, and a default."""

    id: str
    price: Annotated[float, Field(gt=0)]
    size: Literal["s", "m"] = "m"
    tags: list[str] = []
    extra: dict[str, Any] | None = None


class Checked(BaseModel):
    """A type with a validator of its own."""

    id: str
    low: int
    high: int

    @field_validator("high")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            msg = "must be even"
            raise ValueError(msg)
        return value


def test_a_wrong_type_in_row_249999_is_named_with_file_row_field_and_value(tmp_path: Path) -> None:
    """A CSV of 250,000 rows with one bad price: the run fails, says where, and leaves no plan of work."""
    feed = tmp_path / "feed.csv"
    with feed.open("w") as file:
        file.write("id,title,price,stock\n")
        file.writelines(f"k{number},thing,{'cheap' if number == 249_999 else '1.5'},3\n" for number in range(1, 250_001))
    made = shop(tmp_path)
    begun = time.perf_counter()
    with pytest.raises(Semantic, match=r'feed\.csv, row 249999: price: "cheap": Input should be a valid number') as found:
        made.plan(source("files", with_={"url": str(feed)}, key="id", fields=ITEM))
    assert "dead_letter" in str(found.value.help)
    assert time.perf_counter() - begun < 60
    assert not [name for name in made.store.names("jobs") if name.endswith("work.json")]


def test_a_bad_row_within_the_limit_is_a_dead_letter_with_its_input(tmp_path: Path) -> None:
    """The other rows are planned; the letter says file, row, field, value; next time the row is known to be bad."""
    made = shop(tmp_path, job={"dead_letter_max": "50%"})
    feed = rows(item("a"), {**item("b"), "price": "cheap"}, item("c"))
    work = made.run(feed)
    assert (work.new, work.broken, work.source_rows) == (2, 1, 3)
    assert work.source_dead is not None
    (letter,) = read_part(made.store, work.source_dead).to_pylist()
    assert letter["_key"] == "b"
    assert letter["message"].startswith('feed.csv, row 2: price: "cheap": ')
    assert "cheap" in letter["input"]
    assert made.run(feed).nothing_to_do


def test_a_row_that_was_good_and_is_bad_now_is_not_deleted(tmp_path: Path) -> None:
    """It is there, only broken: the sink keeps its last good version, and back at that one nothing is paid."""
    made = shop(tmp_path, {"enrich": ("title",)}, job={"dead_letter_max": "50%"})
    made.run(rows(item("a"), item("b")))
    work = made.run(rows(item("a"), {**item("b"), "title": None}))
    assert (work.deletes, work.broken, work.unchanged) == ((), 1, 1)
    assert made.run(rows(item("a"), item("b"))).changed == 1
    assert made.called == {"enrich": []}


def test_a_missing_key_is_a_dead_letter(tmp_path: Path) -> None:
    """A row without a key can't be known again: it is counted, and named by its place."""
    made = shop(tmp_path, job={"dead_letter_max": "50%"})
    work = made.run(rows(item("a"), {**item("b"), "id": None}))
    assert (work.new, work.null_keys, work.broken) == (1, 1, 0)
    with pytest.raises(Semantic, match=r"feed\.csv, row 2: id: "):
        shop(tmp_path / "other").plan(rows(item("a"), {**item("b"), "id": None}))


def test_a_row_that_could_not_be_read_keeps_its_text(tmp_path: Path) -> None:
    """A CSV row with too many cells is a dead letter with the text as it stands in the file."""
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title,price,stock\na,x,1,1\nb,x,1,1,1,1\nc,x,,2\n")
    made = shop(tmp_path, job={"dead_letter_max": "50%"})
    work = made.run(source("files", with_={"url": str(feed)}, key="id", fields=ITEM))
    assert (work.new, work.broken, work.null_keys) == (2, 1, 0)
    assert work.source_dead is not None
    (letter,) = read_part(made.store, work.source_dead).to_pylist()
    assert (letter["_key"], letter["input"]) == (None, "b,x,1,1,1,1")


def test_a_missing_column_is_refused_before_a_row_is_read(tmp_path: Path) -> None:
    """The message names the column and the nearest one that is there."""
    made = shop(tmp_path)
    with pytest.raises(Refused, match="feed has no column 'title', which Item requires") as found:
        made.plan(rows({"id": "a", "titel": "x", "price": 1.0, "stock": 1}))
    assert "titel" in str(found.value.help)


def test_constraints_choices_and_nested_values_are_checked_column_by_column() -> None:
    """What Arrow's types don't guarantee, pydantic looks at; the first thing wrong with a row is told."""
    batch = pa.RecordBatch.from_pydict(
        {
            "id": ["a", "b", "c", "d", None],
            "price": [1, 0, 2, 3, 4],
            "size": ["s", "m", "xl", None, "s"],
            "tags": [["x"], [], None, [None], ["y"]],
        }
    )
    columns, wrong = take_in(intake_of(Strict), batch, ["id", "price", "size", "tags", "extra"])
    assert [(one.row, one.field, one.value) for one in wrong] == [
        (1, "price", 0),
        (2, "size", "xl"),
        (3, "tags.0", [None]),
        (4, "id", None),
    ]
    assert columns["price"].type == pa.float64()
    assert columns["size"][3].as_py() == "m", "a null where None isn't allowed is the type's default"
    assert columns["tags"][2].as_py() == []
    assert columns["extra"].null_count == 5


def test_a_type_with_validators_is_checked_row_by_row() -> None:
    """Validators of the type's own see whole rows."""
    batch = pa.RecordBatch.from_pydict({"id": ["a", "b"], "low": [1, 2], "high": [2, 3]})
    assert intake_of(Checked).whole
    _, wrong = take_in(intake_of(Checked), batch, ["id", "low", "high"])
    assert [(one.row, one.field, one.value) for one in wrong] == [(1, "high", 3)]


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string()])
def test_a_file_that_is_written_in_other_types_is_no_change(tmp_path: Path, kind: pa.DataType) -> None:
    """The same prices as floats, integers or text have the same versions: they are taken in as the declared type."""

    def table(price: pa.DataType) -> pa.Table:
        columns = {"id": ["a", "b"], "title": ["x", "y"], "stock": pa.array([1, None], pa.int64())}
        return pa.table({**columns, "price": pa.array([1.0, 2.0], pa.float64()).cast(price)})

    made = shop(tmp_path)
    made.run(Tables([table(pa.float64())]))
    assert made.plan(Tables([table(kind)])).nothing_to_do


def test_a_number_is_no_text() -> None:
    """Whole numbers in a text field are refused row by row, not turned into texts in silence."""
    _, wrong = take_in(intake_of(Strict), pa.RecordBatch.from_pydict({"id": [1, 2]}), ["id"])
    assert [one.reason for one in wrong] == ["Input should be a valid string"] * 2
