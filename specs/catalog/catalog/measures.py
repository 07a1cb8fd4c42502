"""Prices and measures, from whatever somebody typed to numbers."""

from __future__ import annotations

import re
from functools import lru_cache

_AMOUNT = re.compile(r"[-+]?\d[\d.,\s]*")
_MEASURE = re.compile(r"^\s*([-+]?\d+(?:[.,]\d+)?)\s*(\S.*?)?\s*$")
_THOUSANDS = re.compile(r"^[-+]?\d{1,3}(?:[.,]\d{3})+$")
_MONEY = {"£": "GBP", "€": "EUR", "zł": "PLN", "¥": "JPY", "$": "USD"}
_CODES = frozenset({"GBP", "EUR", "PLN", "JPY", "USD", "CHF"})

LENGTHS = {
    "mm": 0.001, "cm": 0.01, "m": 1.0, "inch": 0.0254, "in": 0.0254, '"': 0.0254, "zoll": 0.0254, "pouces": 0.0254, "pulgadas": 0.0254,
    "cali": 0.0254, "インチ": 0.0254, "ft": 0.3048,
}  # fmt: skip
VOLUMES = {
    "ml": 0.001, "cl": 0.01, "l": 1.0, "litre": 1.0, "litres": 1.0, "liter": 1.0, "litro": 1.0, "litros": 1.0, "リットル": 1.0,
    "fl oz": 0.0295735, "gal": 3.78541,
}  # fmt: skip
MASSES = {"g": 0.001, "kg": 1.0, "oz": 0.0283495, "lb": 0.453592, "lbs": 0.453592}
VOLTS = {"v": 1.0, "volt": 1.0, "volts": 1.0}
_WORN = re.compile(r"^(?:EU\s*)?\d{2}(?:[.,]5)?$|^[X0-9]{0,2}[SML]$", re.IGNORECASE)


def _plain(digits: str) -> float:
    """Return a number written with points or commas: the last one is the decimal one, unless three digits follow it."""
    text = "".join(digits.split()).rstrip(".,")
    if _THOUSANDS.match(text):
        return float(text.replace(",", "").replace(".", ""))
    whole, _, rest = text.replace(",", ".").rpartition(".")
    return float(f"{whole.replace('.', '')}.{rest}" if whole else rest)


def price(text: str | None, currency: str | None) -> tuple[float, str]:
    """Return amount and currency; ValueError where there is no amount, a negative one, or no currency."""
    if not text or not text.strip():
        raise ValueError("there is no price")
    found = _AMOUNT.search(text)
    if found is None:
        msg = f"the price {text!r} has no amount"
        raise ValueError(msg)
    amount = _plain(found[0])
    if amount <= 0:
        msg = f"the price {text!r} is not above zero"
        raise ValueError(msg)
    code = (currency or "").strip().upper() or _currency_in(text)
    if code not in _CODES:
        msg = f"the price {text!r} has no currency that is known"
        raise ValueError(msg)
    return amount, code


def _currency_in(text: str) -> str:
    for sign, code in _MONEY.items():
        if sign in text:
            return code
    return text.strip()[:3].upper()


def _measure(text: str, units: dict[str, float], what: str) -> float:
    found = _MEASURE.match(text)
    if found is None or (found[2] or "").lower() not in units:
        msg = f"{what} {text!r} is in no unit that is known"
        raise ValueError(msg)
    value = float(found[1].replace(",", ".")) * units[found[2].lower()]
    if value <= 0:
        msg = f"{what} {text!r} is not above zero"
        raise ValueError(msg)
    return round(value, 5)


@lru_cache(maxsize=16_384)
def length(size: str | None) -> float | None:
    """Return a size as metres; None for sizes that are worn (M, EU 42)."""
    return None if not size or _WORN.match(size.strip()) else _measure(size, LENGTHS, "the size")


@lru_cache(maxsize=16_384)
def volume(capacity: str | None) -> float | None:
    """Return a capacity as litres; None where there is none; ValueError for what can't be."""
    return _measure(capacity, VOLUMES, "the capacity") if capacity else None


@lru_cache(maxsize=16_384)
def mass(weight: str | None) -> float | None:
    """Return a weight as kilograms; None where there is none; ValueError for what can't be."""
    return _measure(weight, MASSES, "the weight") if weight else None


@lru_cache(maxsize=16_384)
def voltage(volts: str | None) -> float | None:
    """Return a voltage as volts; None where there is none; ValueError for what can't be."""
    return _measure(volts, VOLTS, "the voltage") if volts else None
