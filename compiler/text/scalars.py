"""What a plain scalar means: the core schema of YAML 1.2, in which ``on``, ``no`` and ``1_000`` are text."""

from __future__ import annotations

import math
import re

from .syntax import Scalar

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MOST_DIGITS = 22
_LARGEST = 2**63 - 1


class NotCarried(ValueError):
    """A number that YAML allows and that JSON, Arrow or a plan can't carry."""


def resolve(text: str) -> Scalar:
    """Return what a plain scalar means; `NotCarried` for numbers beyond 64 bits, infinities and NaN."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _SPECIAL.fullmatch(text):
        raise NotCarried(text)
    whole = _whole(text)
    if whole is not None:
        return whole
    return _real(text) if _FLOAT.fullmatch(text) else text


def _whole(text: str) -> int | None:
    if _INT.fullmatch(text):
        return _bounded(text, 10)
    if _OCTAL.fullmatch(text):
        return _bounded(text[2:], 8)
    return _bounded(text[2:], 16) if _HEX.fullmatch(text) else None


def _bounded(digits: str, base: int) -> int:
    bare = digits.lstrip("+-").lstrip("0") or "0"
    if len(bare) > _MOST_DIGITS:
        raise NotCarried(digits)
    value = int(bare, base) * (-1 if digits.startswith("-") else 1)
    if not -_LARGEST - 1 <= value <= _LARGEST:
        raise NotCarried(digits)
    return value


def _real(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise NotCarried(text)
    return value
