"""What a scripted server allows in a time, as real providers count it: with a bucket or in windows, told in either form."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from typing import Literal

from ...compiler.quantities import parse_rate

Form = Literal["seconds", "date", "milliseconds", "nothing"]


@dataclass
class Allowance:
    """So many requests a time. What comes beyond that is refused with 429, and is told when to come again.

    ::

        ModelServer(script, allow=Allowance("6000/min"))                       # a bucket that holds a second's worth
        ModelServer(script, allow=Allowance("60/min", counts="window", form="date"))
    """

    rate: str
    counts: Literal["bucket", "window"] = "bucket"
    """A bucket is filled steadily, and full at first; a window is all there again when it is over."""
    at_once: float | None = None
    """How many a bucket holds; what comes in a second, and one at least, where it isn't said."""
    form: Form = "seconds"
    """How Retry-After is written. Whole seconds, both forms: later rather than sooner."""
    tells_limits: bool = False
    """Whether answers carry OpenAI's ``x-ratelimit-*-requests``."""
    passed: int = 0
    refused: int = 0
    _began: float = -math.inf
    _left: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._limit = parse_rate(self.rate)
        self._each = self._limit.seconds / self._limit.amount
        self._most = self._limit.amount if self.counts == "window" else self.at_once or max(1.0, 1 / self._each)

    def judge(self, now: float) -> tuple[bool, dict[str, str]]:
        """Return whether a request may pass, and the headers of its answer; ``now`` is in seconds of a clock that never jumps."""
        with self._lock:
            self._fill(now)
            may_pass = self._left >= 1
            if may_pass:
                self._left, self.passed = self._left - 1, self.passed + 1
            else:
                self.refused += 1
            told = self._limits() if self.tells_limits else {}
            return may_pass, told if may_pass else {**told, **_later(self._until(now), self.form)}

    def _fill(self, now: float) -> None:
        if self.counts == "window":
            if now - self._began >= self._limit.seconds:
                self._began, self._left = now, self._most
            return
        filled = self._left + (now - self._began) / self._each if self._began > -math.inf else self._most
        self._began, self._left = now, min(self._most, filled)

    def _until(self, now: float) -> float:
        return self._began + self._limit.seconds - now if self.counts == "window" else (1 - self._left) * self._each

    def _limits(self) -> dict[str, str]:
        reset = (self._limit.amount - self._left) * self._each
        left = max(0, math.floor(self._left))
        named = {"limit": f"{self._limit.amount:g}", "remaining": f"{left}", "reset": f"{reset:.3f}s"}
        return {f"x-ratelimit-{name}-requests": value for name, value in named.items()}


def _later(seconds: float, form: Form) -> dict[str, str]:
    if form == "nothing":
        return {}
    if form == "milliseconds":
        return {"retry-after-ms": f"{math.ceil(seconds * 1000)}"}
    whole = max(1, math.ceil(seconds))
    return {"Retry-After": f"{whole}" if form == "seconds" else http_date(whole + 1)}


def http_date(seconds: float) -> str:
    """Return the moment in so many seconds as an HTTP-date, which knows no parts of a second."""
    return format_datetime(parsedate_to_datetime(formatdate(usegmt=True)) + timedelta(seconds=seconds), usegmt=True)
