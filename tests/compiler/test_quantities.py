"""Quantities as people write them, there and back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic_core import PydanticCustomError

from darner.compiler.quantities import (
    Duration,
    Money,
    Rate,
    RateLimit,
    Share,
    Size,
    format_duration,
    format_money,
    format_share,
    format_size,
    parse_duration,
    parse_money,
    parse_rate,
    parse_share,
    parse_size,
)
from darner.compiler.settings import Backoff, BackoffText, OnFailure, Reaction, merge_reactions, parse_backoff

NUMBER = st.from_regex(r"[0-9]{1,19}(\.[0-9]{1,9})?", fullmatch=True)
KINDS: list[tuple[Callable[[Any], Any], Callable[[Any], str], str]] = [
    (parse_size, format_size, r"(Ti|Gi|Mi|Ki|B)"),
    (parse_duration, format_duration, r"(ms|w|d|h|m|s)"),
    (parse_money, format_money, " USD"),
    (parse_share, format_share, "%"),
    (parse_rate, str, r"/(sec|s|min|hour|h|day)"),
]


@given(data=st.data())
@pytest.mark.parametrize(("parse", "write", "unit"), KINDS, ids=["size", "duration", "money", "share", "rate"])
def test_what_is_parsed_and_written_is_the_same_again(
    parse: Callable[[Any], Any], write: Callable[[Any], str], unit: str, data: st.DataObject
) -> None:
    """A plan's text holds exactly the quantity of the spec's, and writing it twice gives the same text."""
    text = data.draw(NUMBER) + data.draw(st.from_regex(unit, fullmatch=True))
    try:
        value = parse(text)
    except PydanticCustomError:
        return
    assert parse(write(value)) == value
    assert write(parse(write(value))) == write(value)


@pytest.mark.parametrize(
    ("parse", "write", "text", "value", "canonical"),
    [
        (parse_size, format_size, "512Mi", 512 << 20, "512Mi"),
        (parse_size, format_size, "1024Mi", 1 << 30, "1Gi"),
        (parse_size, format_size, "1.5Ki", 1536, "1536B"),
        (parse_size, format_size, "0B", 0, "0B"),
        (parse_duration, format_duration, "90s", 90.0, "90s"),
        (parse_duration, format_duration, "60 s", 60.0, "1m"),
        (parse_duration, format_duration, "24h", 86_400.0, "1d"),
        (parse_duration, format_duration, "250ms", 0.25, "250ms"),
        (parse_duration, format_duration, "0.1s", 0.1, "100ms"),
        (parse_duration, format_duration, "0s", 0.0, "0s"),
        (parse_duration, format_duration, "1.5h", 5400.0, "90m"),
        (parse_money, format_money, "0.5 USD", Decimal("0.5"), "0.50 USD"),
        (parse_money, format_money, "12USD", Decimal(12), "12.00 USD"),
        (parse_money, format_money, "0.075 USD", Decimal("0.075"), "0.075 USD"),
        (parse_share, format_share, "0.5%", 0.005, "0.5%"),
        (parse_share, format_share, "100%", 1.0, "100%"),
        (parse_rate, str, "300/min", RateLimit(300, 60), "300/min"),
        (parse_rate, str, "300 / min", RateLimit(300, 60), "300/min"),
        (parse_rate, str, "5/sec", RateLimit(5, 1), "5/s"),
        (parse_rate, str, "2000000/min", RateLimit(2_000_000, 60), "2000000/min"),
    ],
)
def test_quantities_mean_what_people_mean(
    parse: Callable[[Any], Any], write: Callable[[Any], str], text: str, value: object, canonical: str
) -> None:
    """Binary sizes, durations in seconds, exact money, shares of one, rates; each with one canonical text."""
    assert parse(text) == value
    assert write(parse(text)) == canonical


@pytest.mark.parametrize(
    ("parse", "wrong"),
    [
        *(
            (parse_size, text)
            for text in (512, None, True, "512", "512M", "512MB", "-1Mi", "1e3Mi", "٣Mi", "Mi", "1Mi 2Mi", "", "9999999999Ti")
        ),
        *((parse_duration, text) for text in (30, 1.5, "30", "30 seconds", "-1s", "1h30m", "", "99999999999s", "٣s")),
        *((parse_money, text) for text in (5, "5", "$5", "5 EUR", "USD 5", "-1 USD")),
        *((parse_share, text) for text in (0.5, "0.5", "101%", "-1%", "%")),
        *((parse_rate, text) for text in (300, "300", "300/fortnight", "0/min", "/min", "-3/min", "9999999999999999999/s")),
        *((parse_backoff, text) for text in (1, "1s", "1s..", "..2s", "2s..1s", "1..2", "1s...2s")),
    ],
)
def test_what_leaves_a_doubt_is_refused_with_an_example(parse: Callable[[Any], Any], wrong: object) -> None:
    """No unit is guessed, no number is rounded to nothing, and the message shows how it is written."""
    with pytest.raises(PydanticCustomError, match="write it like"):
        parse(wrong)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Size, "512Mi"), (Duration, "30s"), (Money, "0.50 USD"), (Share, "0.5%"), (Rate, "300/min"), (BackoffText, "1s..1m")],
)
def test_models_read_and_write_quantities_as_text(kind: Any, text: str) -> None:
    """In models, quantities come from text and go back to it."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    assert adapter.dump_python(adapter.validate_python(text)) == text
    assert adapter.dump_json(adapter.validate_json(f'"{text}"')) == f'"{text}"'.encode()


def test_reactions_merge_by_class_and_then_by_key() -> None:
    """A later layer replaces the keys that it writes and keeps the others."""
    first: OnFailure = {"network": Reaction(attempts=5, backoff=Backoff(first=1, last=60)), "oom": Reaction(then="skip")}
    merged = merge_reactions(first, {"network": Reaction(attempts=2), "error": Reaction(then="fail")})
    assert merged == {
        "network": Reaction(attempts=2, backoff=Backoff(first=1, last=60)),
        "oom": Reaction(then="skip"),
        "error": Reaction(then="fail"),
    }
    assert isinstance(merged["network"].backoff, Backoff)
