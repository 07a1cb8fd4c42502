"""What providers' errors mean: the evidence that their clients' exceptions carry, with secrets masked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ... import evidence
from ...failures import Failure
from ...retry_after import within
from ..secrets import redact
from ..world import SystemClock

SHOWN = 500
"""How much of a provider's own words is kept."""


def failure_of(name: str, error: Exception, secrets: Iterable[str] = ()) -> Failure:
    """Return what a model's exception means. Its text is the provider's, shortened, without secrets."""
    if isinstance(error, Failure):
        return error
    cause = evidence.why(error, "client", SystemClock().now())
    if cause.retry_after is None:
        # Google says it in the body, which its client reads.
        asked = getattr(error, "retry_after", None)
        cause = cause if not isinstance(asked, int | float) else replace(cause, retry_after=within(asked))
    text = redact(_words(error), secrets)[:SHOWN]
    return evidence.failure_of(cause, f"the model {name}: {text}", type(error).__name__)


def _words(error: Exception) -> str:
    """Return the provider's message where there is one, else the exception's text."""
    status = getattr(error, "status_code", None)
    body: Any = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else body
    said = inner.get("message") if isinstance(inner, dict) else inner
    if status is None:
        return f"{type(error).__name__}: {error}"
    return f"HTTP {status}: {said or 'no message'}"
