"""What providers' errors mean: the evidence that their clients' exceptions carry, with secrets masked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ... import evidence
from ...failures import Failure
from ...retry_after import within
from ...signs import By
from ..secrets import redact
from ..world import SystemClock

SHOWN = 500
"""How much of a provider's own words is kept."""
DEPTH = 12
"""Exceptions that are looked at below a client's."""


def failure_of(name: str, error: Exception, secrets: Iterable[str] = ()) -> Failure:
    """Return what a model's exception means. Its text is the provider's, shortened, without secrets."""
    if isinstance(error, Failure):
        return error
    cause = evidence.why(error, _who(error), SystemClock().now())
    if cause.retry_after is None:
        # Google says it in the body, which its client reads.
        asked = getattr(error, "retry_after", None)
        cause = cause if not isinstance(asked, int | float) else replace(cause, retry_after=within(asked))
    text = redact(_words(error), secrets)[:SHOWN]
    return evidence.failure_of(cause, f"the model {name}: {text}", type(error).__name__)


def _who(error: Exception) -> By:
    """Return who raised: a key that is missing where pydantic-ai reads an answer is the answer's fault, anywhere else a bug."""
    if not isinstance(error, IndexError | KeyError):
        return "client"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
    return "client" if where.partition(".")[0] == "pydantic_ai" else "code"


def _words(error: Exception) -> str:
    """Return the provider's message where there is one, else the exception's text."""
    status = getattr(error, "status_code", None)
    body: Any = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else body
    said = inner.get("message") if isinstance(inner, dict) else inner
    if status is None:
        texts = _texts(error)
        return f"{type(error).__name__}: {error}" + (f" ({texts[-1]})" if len(texts) > 1 else "")
    return f"HTTP {status}: {said or 'no message'}"


def _texts(error: BaseException | None) -> list[str]:
    """Return what an exception, and what it was raised from, say, each once: a client's own says nothing of names or doors."""
    texts: list[str] = []
    for _ in range(DEPTH):
        if error is None:
            break
        if (text := str(error)) and not any(text in one for one in texts):
            texts.append(text)
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
    return texts
