"""How long a server asks to be left alone: its ``Retry-After`` in each form that is seen, whatever is in it.

``Retry-After`` is a number of seconds or an HTTP date (RFC 9110, 10.2.3 with 5.6.7); some send decimals. ``retry-after-ms``
is a number of milliseconds, which OpenAI and Anthropic send beside it, and which is the more exact one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST = 24 * 3600.0
"""Seconds after which it is asked again at the latest: quotas are given anew each day, and a header that says years is wrong."""
_NUMBER = re.compile(r"\s*([+-]?\d{1,15}(?:\.\d{1,15})?)\s*", re.ASCII)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a server asks for, between 0 and `LONGEST`; None where it doesn't say, or nothing that can be read.

    Args:
        headers: with names in lower case.
        now: seconds since 1970, from which a date is counted. A date or a number that is over gives 0.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None and milliseconds >= 0:
        return within(milliseconds / 1000)
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None:
        return within(seconds)
    return _until(text, now)


def within(seconds: float) -> float:
    """Return a wait that can be waited for."""
    return min(max(seconds, 0.0), LONGEST)


def _number(text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    return None if found is None else float(found[1])


def _until(text: str, now: float) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        # The zone of an HTTP date is GMT, also in the two old forms that don't say it.
        moment = (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return within(moment - now)
