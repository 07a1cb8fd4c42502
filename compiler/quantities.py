"""Quantities as people write them (512Mi, 30s, 0.50 USD, 300/min, 0.5%), parsed and written back canonically."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

SIZE_UNITS = {"Ti": 1 << 40, "Gi": 1 << 30, "Mi": 1 << 20, "Ki": 1 << 10, "B": 1}
TIME_UNITS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
RATE_UNITS = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3_600.0, "hour": 3_600.0, "day": 86_400.0}

MOST_BYTES = 2**63 - 1
MOST_SECONDS = 1e10
"""About 300 years. Durations are kept to the nanosecond."""
MOST_A_TIME = 1e15

_NUMBER = r"([0-9]{1,19}(?:\.[0-9]{1,9})?)"
_SIZE = re.compile(rf"{_NUMBER}\s*(Ti|Gi|Mi|Ki|B)")
_TIME = re.compile(rf"{_NUMBER}\s*(ms|w|d|h|m|s)")
_MONEY = re.compile(rf"{_NUMBER}\s*USD")
_RATE = re.compile(rf"{_NUMBER}\s*/\s*(sec|s|min|hour|h|day)")
_SHARE = re.compile(rf"{_NUMBER}\s*%")


def _wrong(what: str, value: Any, example: str) -> PydanticCustomError:
    shown = value if isinstance(value, str) else repr(value)
    return PydanticCustomError(
        "quantity", "{shown} is not {what}; write it like {example}", {"shown": shown, "what": what, "example": example}
    )


def _match(pattern: re.Pattern[str], value: Any, what: str, example: str) -> re.Match[str]:
    found = pattern.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise _wrong(what, value, example)
    return found


def _number(value: float | Decimal) -> str:
    """Return a number in full, without an exponent and without a needless ``.0``."""
    text = format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_size(value: Any) -> int:
    """Return bytes from text like ``512Mi``; a part of a byte is left off."""
    found = _match(_SIZE, value, "a size", "512Mi or 4Gi")
    size = int(Decimal(found[1]) * SIZE_UNITS[found[2]])
    if size > MOST_BYTES:
        raise _wrong("a size that any machine has", value, "512Mi or 4Gi")
    return size


def format_size(value: int) -> str:
    """Return the shortest exact text for a number of bytes."""
    unit = next(name for name, factor in SIZE_UNITS.items() if (value and value % factor == 0) or factor == 1)
    return f"{value // SIZE_UNITS[unit]}{unit}"


def parse_duration(value: Any) -> float:
    """Return seconds from text like ``30s`` or ``4h``."""
    found = _match(_TIME, value, "a duration", "30s, 15m, 4h or 2d")
    seconds = round(float(found[1]) * TIME_UNITS[found[2]], 9)
    if seconds > MOST_SECONDS:
        raise _wrong("a duration that anybody lives to see", value, "30s, 15m, 4h or 2d")
    return seconds


def parse_time(value: Any) -> float:
    """Return seconds from text like ``30s``: some time in which something can happen."""
    seconds = parse_duration(value)
    if seconds <= 0:
        raise _wrong("a time in which anything happens", value, "30s, 15m, 4h or 2d")
    return seconds


def format_duration(value: float) -> str:
    """Return the shortest exact text for a number of seconds."""
    unit = next((name for name, factor in TIME_UNITS.items() if value >= factor and value % factor == 0), "s")
    if unit == "s" and 0 < value < 1:
        text = f"{_number(Decimal(repr(value)) * 1000)}ms"
        return text if parse_duration(text) == value else f"{_number(value)}s"
    return f"{_number(value / TIME_UNITS[unit])}{unit}"


def parse_money(value: Any) -> Decimal:
    """Return US dollars from text like ``0.50 USD``."""
    return Decimal(_match(_MONEY, value, "an amount of money", "0.50 USD")[1])


def format_money(value: Decimal) -> str:
    """Return ``12.50 USD``: at least two decimals, none lost."""
    exponent = value.normalize().as_tuple().exponent
    places = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{value:.{places}f} USD"


def parse_share(value: Any) -> float:
    """Return a share between 0 and 1 from text like ``0.5%``."""
    share = float(Decimal(_match(_SHARE, value, "a share", "5% or 0.5%")[1]) / 100)
    if share > 1:
        raise _wrong("a share up to 100%", value, "5%")
    return share


def format_share(value: float) -> str:
    """Return a share as text like ``0.5%``."""
    return f"{_number(Decimal(repr(value)) * 100)}%"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many of something per so many seconds."""

    amount: float
    seconds: float

    def __str__(self) -> str:
        """Return the rate as it is written in a spec, like ``300/min``."""
        unit = next(name for name, seconds in RATE_UNITS.items() if seconds == self.seconds)
        return f"{_number(self.amount)}/{unit}"


def parse_rate(value: Any) -> RateLimit:
    """Return a rate from text like ``300/min``."""
    if isinstance(value, RateLimit):
        return value
    found = _match(_RATE, value, "a rate", "300/min")
    amount = float(found[1])
    if not 0 < amount <= MOST_A_TIME:
        raise _wrong("a rate at which anything happens", value, "300/min")
    return RateLimit(amount, RATE_UNITS[found[2]])


def _text(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": [example]})


Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size), _text(_SIZE.pattern, "512Mi")]
Duration = Annotated[float, BeforeValidator(parse_time), PlainSerializer(format_duration), _text(_TIME.pattern, "30s")]
Money = Annotated[Decimal, BeforeValidator(parse_money), PlainSerializer(format_money), _text(_MONEY.pattern, "0.50 USD")]
Share = Annotated[float, BeforeValidator(parse_share), PlainSerializer(format_share), _text(_SHARE.pattern, "0.5%")]
Rate = Annotated[RateLimit, BeforeValidator(parse_rate), PlainSerializer(str), _text(_RATE.pattern, "300/min")]
