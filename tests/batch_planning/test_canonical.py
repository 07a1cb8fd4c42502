"""Equal bytes only for equal values, the same everywhere."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from darner.runtime.batch.canonical import canonical, canonical_column, digest, digests

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1, 1.0 and True apart, as JSON texts do."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


@given(JSON, JSON)
def test_unequal_json_values_never_share_bytes_and_equal_ones_always_do(one: Any, other: Any) -> None:
    """The encoding is one to one over JSON's values."""
    assert (canonical(one) == canonical(other)) == same(one, other)


@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4))
def test_encodings_beside_each_other_can_be_told_apart(one: list[Any], other: list[Any]) -> None:
    """Fields are simply joined, so no two different sequences may join to the same bytes (("a", "b") and ("ab", "") …)."""
    joined = [b"".join(map(canonical, values)) for values in (one, other)]
    assert (joined[0] == joined[1]) == same(one, other)


COLUMNS = st.sampled_from(
    [
        (pa.string(), st.text()),
        (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
        (pa.float64(), st.floats()),
        (pa.bool_(), st.booleans()),
        (pa.binary(), st.binary()),
        (pa.list_(pa.string()), st.lists(st.none() | st.text(), max_size=4)),
        (pa.list_(pa.list_(pa.int64())), st.lists(st.none() | st.lists(st.integers(-9, 9), max_size=3), max_size=3)),
        (
            pa.struct([("a", pa.int64()), ("longer name", pa.string())]),
            st.fixed_dictionaries({"a": st.none() | st.integers(-9, 9), "longer name": st.none() | st.text()}),
        ),
    ]
).flatmap(lambda pair: st.tuples(st.just(pair[0]), st.lists(st.none() | pair[1], max_size=8)))


@given(COLUMNS, st.integers(0, 3))
def test_a_column_is_encoded_as_its_values_are(column: tuple[pa.DataType, list[Any]], start: int) -> None:
    """Whole columns are encoded by Arrow, slices too, and give what one value at a time gives."""
    array: Any = pa.array(column[1], column[0])[start:]
    assert canonical_column(array).to_pylist() == [canonical(value) for value in array.to_pylist()]
    assert digests({"x": array}).to_pylist() == [digest({"x": value}) for value in array.to_pylist()]


def test_zeroes_and_nans_are_one_value_each() -> None:
    """A minus zero and a NaN with another payload are no change of a row."""
    assert canonical(-0.0) == canonical(0.0)
    assert canonical(float("nan")) == canonical(-float("nan"))
    assert canonical(1) != canonical(1.0)
    assert canonical("é") != canonical("e\u0301")


def test_decimals_moments_and_days_have_one_form_each() -> None:
    """Trailing zeros and time zones don't change a value; thirty digits are all looked at."""
    assert canonical(Decimal("1.50")) == canonical(Decimal("1.5")) != canonical(Decimal(15))
    assert canonical(Decimal(10**30)) != canonical(Decimal(10**30 + 1))
    noon = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    assert canonical(noon) == canonical(noon.astimezone(dt.timezone(dt.timedelta(hours=5)))) != canonical(noon.replace(tzinfo=None))
    assert canonical(dt.date(2026, 11, 22)) != canonical("2026-11-22")


def test_the_same_fields_under_other_names_are_another_row() -> None:
    """A digest is over names and values."""
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "c": 2})


def test_a_digest_does_not_depend_on_the_hash_seed() -> None:
    """Two interpreters with other hash seeds, sets among the values, give the digest that stands here."""
    code = "from darner.runtime.batch.canonical import digest; print(digest({'t': {'b', 'a'}, 'x': [1, None, 2.5], 'm': {'k': 'é'}}).hex())"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {f"{digest({'t': ['a', 'b'], 'x': [1, None, 2.5], 'm': {'k': 'é'}}).hex()}\n"}
    assert digest({"x": 1}).hex() == "af6d14e32a28ff05f816f2d49bddddee"
