"""How much providers say that they allow, in the headers of their answers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..compiler.quantities import RateLimit

WINDOWS = (1.0, 60.0, 3_600.0, 86_400.0)
"""The lengths, in seconds, of the windows in which providers count."""
_MOST = 1e15
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a provider allows; None where it doesn't say."""

    requests: RateLimit | None = None
    tokens: RateLimit | None = None


def allowed(headers: Mapping[str, str]) -> Allowed:
    """Return what the headers of an answer say is allowed.

    OpenAI's are ``x-ratelimit-{limit,remaining,reset}-{requests,tokens}``: ``reset`` is the time until all is there again, like
    ``6m0s``, and tells how long the window is. Anthropic's are ``anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}``,
    a minute's. Names are in lower case.
    """
    requests, tokens = (_openai(headers, what) or _anthropic(headers, what) for what in ("requests", "tokens"))
    return Allowed(requests, tokens)


def _openai(headers: Mapping[str, str], what: str) -> RateLimit | None:
    limit = _number(headers.get(f"x-ratelimit-limit-{what}"))
    if not limit:
        return None
    left, reset = _number(headers.get(f"x-ratelimit-remaining-{what}")), _span(headers.get(f"x-ratelimit-reset-{what}"))
    if left is None or not reset or left >= limit:
        return RateLimit(limit, 60.0)
    # What is missing comes back within `reset`: so all of it takes this long.
    whole = reset * limit / (limit - left)
    return RateLimit(limit, min(WINDOWS, key=lambda one: abs(math.log(one / whole))))


def _anthropic(headers: Mapping[str, str], what: str) -> RateLimit | None:
    limit = _number(headers.get(f"anthropic-ratelimit-{what}-limit"))
    return RateLimit(limit, 60.0) if limit else None


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found <= _MOST else None


def _span(text: str | None) -> float | None:
    if text is None:
        return None
    parts = _SPAN.findall(text)
    if "".join(number + unit for number, unit in parts) != text or not parts:
        return _number(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
