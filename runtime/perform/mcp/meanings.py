"""What an MCP server's answers and errors mean: a JSON value, something to tell the model, or one of the failure classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ... import evidence
from ...failures import Failure, Semantic
from ...ports import Json
from ...signs import HttpAnswer, RpcError
from .connection import Refusal

if TYPE_CHECKING:
    from mcp.types import CallToolResult

SHOWN = 500


def value_of(tool: str, result: CallToolResult) -> Json:
    """Return a result as JSON: its structured content, else its text, else its parts. `Semantic` where the tool says no."""
    if result.is_error:
        raise Semantic(" ".join(_texts(result))[:SHOWN] or f"{tool} failed, and doesn't say why")
    if result.structured_content is not None:
        return result.structured_content
    texts = list(_texts(result))
    if len(texts) == len(result.content) <= 1:
        return texts[0] if texts else None
    return [part.model_dump(mode="json", by_alias=True, exclude_none=True) for part in result.content]


def _texts(result: CallToolResult) -> Iterator[str]:
    for part in result.content:
        text = getattr(part, "text", None)
        if part.type == "text" and isinstance(text, str):
            yield text


def failure_of(  # noqa: PLR0913 - what is known of a failed call
    tool: str, error: BaseException, refusals: Sequence[Refusal], *, is_process: bool, words: str, now: float
) -> Failure:
    """Return what went wrong with a call, or with opening a connection.

    Args:
        tool: what was called, as people know it.
        error: what `mcp` raised.
        refusals: what HTTP answered meanwhile.
        is_process: the server is a process of ours.
        words: what that wrote last.
        now: seconds since 1970, to count from to a date.
    """
    said = _innermost(error)
    last = f"; it said last: {words[:SHOWN]}" if words else ""
    if refusals:
        return _refused(tool, refusals[-1], str(said), now)
    code = getattr(said, "code", None)
    if is_process and isinstance(said, OSError):
        code = evidence.CLOSED  # its pipe broke
    cause = evidence.classify(RpcError(code, is_process)) if isinstance(code, int) else evidence.why(said, "client", now)
    message = f"{tool}: {type(said).__name__}: {str(said)[:SHOWN]}{last}"
    if code == evidence.BAD_PARAMETERS:
        return Semantic(f"{tool} doesn't take this: {said}")
    if code == evidence.CLOSED:
        what = "its server ended" if is_process else "the connection to its server ended"
        message = f"{tool}: {what} before it answered{last}"
    return evidence.failure_of(cause, message, type(said).__name__)


def is_end(error: BaseException) -> bool:
    """Return whether an error says that the connection is over."""
    said = _innermost(error)
    return getattr(said, "code", None) == evidence.CLOSED or isinstance(said, OSError)


def _refused(tool: str, refusal: Refusal, said: str, now: float) -> Failure:
    cause = evidence.classify(HttpAnswer(refusal.status, refusal.headers), now=now)
    if cause.kind == "error":
        cause = replace(cause, help="is what its entry is given `with` right, its secret too?")
    return evidence.failure_of(cause, f"{tool}: HTTP {refusal.status}: {said[:SHOWN]}", "HTTPError")


def _innermost(error: BaseException) -> Any:
    """Return the exception that groups were wrapped around: task groups wrap what went wrong in one of theirs."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error
