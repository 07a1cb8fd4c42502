"""What providers' errors mean: each becomes one of the nine failure classes, with secrets masked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...failures import CallableError, ContextLost, Exhausted, Failure, Network, Semantic, Throttled
from ..secrets import redact

TOO_MANY, UNAVAILABLE, OVERLOADED = 429, 503, 529
REQUEST_TIMEOUT, SERVER_ERROR = 408, 500
SHOWN = 500
"""How much of a provider's own words is kept."""


def failure_of(name: str, error: Exception, secrets: Iterable[str] = ()) -> Failure:
    """Return what a model's exception means. Its text is the provider's, shortened, without secrets."""
    if isinstance(error, Failure):
        return error
    from pydantic_ai import exceptions as theirs  # noqa: PLC0415 - only runs with agents pay for it

    text = redact(_words(error), secrets)[:SHOWN]
    message = f"the model {name}: {text}"
    kind = type(error).__name__
    if isinstance(error, theirs.ModelQuotaExceededError):
        return Exhausted(message, type_name=kind, help="the account's quota or credit is used up; waiting won't help")
    if isinstance(error, theirs.ModelContextWindowExceededError):
        return ContextLost(message, type_name=kind)
    if isinstance(error, theirs.ModelHTTPError):
        return _by_status(error.status_code, error.retry_after, message, kind)
    if isinstance(error, theirs.ModelRateLimitError | theirs.ModelUnavailableError):
        return Throttled(message, retry_after=error.retry_after, type_name=kind)
    return _without_status(error, message, kind)


def _by_status(status: int, retry_after: float | None, message: str, kind: str) -> Failure:
    if status in (TOO_MANY, UNAVAILABLE, OVERLOADED):
        return Throttled(message, retry_after=retry_after, type_name=kind)
    if status >= SERVER_ERROR or status == REQUEST_TIMEOUT:
        return Network(message, retry_after=retry_after, type_name=kind)
    help_ = "is its secret right, and may it use this model?" if status in (401, 403) else None
    return CallableError(message, type_name=kind, help=help_)


def _without_status(error: Exception, message: str, kind: str) -> Failure:
    from pydantic_ai import exceptions as theirs  # noqa: PLC0415 - only runs with agents pay for it

    if isinstance(error, theirs.ContentFilterError | theirs.OutputTokenLimitExceeded):
        return Semantic(message, type_name=kind)
    broken = (theirs.ModelConnectionError, theirs.ModelServerError, theirs.ModelRequestTimeout, theirs.UnexpectedModelBehavior)
    # An answer that is no answer (cut off, not JSON) says nothing about the question: asking again is the cure.
    if isinstance(error, (*broken, OSError, TimeoutError)) or type(error) is theirs.ModelAPIError:
        return Network(message, type_name=kind)
    return CallableError(message, type_name=kind)


def _words(error: Exception) -> str:
    """Return the provider's message where there is one, else the exception's text."""
    status = getattr(error, "status_code", None)
    body: Any = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else body
    said = inner.get("message") if isinstance(inner, dict) else inner
    if status is None:
        return f"{type(error).__name__}: {error}"
    return f"HTTP {status}: {said or 'no message'}"
