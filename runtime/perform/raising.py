"""What user code raised, on its way to the user code that catches it: over processes, journals and resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..evidence import failure_of, why
from ..exception_values import Unfit
from ..exceptions import Making, describe, mapped, said
from ..failures import CallableError, DarnerError, Failure, put_behind
from ..ports import Json
from . import values
from .world import SystemClock

_OUTSIDE = frozenset({"network", "throttled", "oom"})
"""Classes that the exceptions of code may be evidence of: what became of its own requests, and of its memory."""
HOUSE = str(Path(__file__).parents[2])
"""The folder of this package: what is raised in here was raised for somebody outside."""


def told(error: BaseException, masked: Callable[[str], str] = str) -> Json:
    """Return an exception as JSON, see `exceptions.describe`; ``masked`` masks secrets in its texts."""
    return mapped(describe(error, values.load, HOUSE), masked)


def failed(name: str, error: BaseException, masked: Callable[[str], str] = str) -> Failure:
    """Return the failure that user code's exception is, by the table of evidence: of a class of `_OUTSIDE`, else `CallableError`.

    ``masked`` masks secrets in its texts.
    """
    cause = why(error, "code", SystemClock().now())
    text, kind = f"{name} raised {type(error).__name__}: {masked(said(error))}", type(error).__name__
    failure = failure_of(cause, text, kind) if cause.kind in _OUTSIDE else CallableError(text, type_name=kind)
    if cause.kind != "oom":  # memory is caught as `OutOfMemory`, whoever refused it
        failure.raised = told(error, masked)
    return failure


def kept(error: DarnerError, masked: Callable[[str], str] = str) -> DarnerError:
    """Return a failure that user code raised itself, with what else is kept of it: its cause, and its class where that is the user's.

    ``masked`` masks secrets in its texts.
    """
    error.message = masked(error.message)
    error.args = tuple(masked(one) if isinstance(one, str) else one for one in error.args)
    error.help = None if error.help is None else masked(error.help)
    if isinstance(error, Failure) and error.raised is None:
        if type(error).__module__ != Failure.__module__:
            error.raised = told(error, masked)
        elif error.__cause__ is not None:
            error.raised = {"cause": told(error.__cause__, masked)}
    return error


def arriving(failure: Failure) -> Exception:
    """Return what the caller of a call that failed is given: the user's own exception, where there is one and it can be made.

    What it is given live is made from the same words as what it is given from a journal, so its code goes the same way.
    """
    if failure.raised is None:
        return failure
    making = Making(values.load)
    try:
        error = making.make(failure.raised) if "type" in failure.raised else failure
    except Unfit as unfit:
        failure.help = failure.help or f"it arrives as a {type(failure).__name__}: {unfit}"
        error = failure
    if error is not failure:
        put_behind(error, failure)
        return error
    cause = failure.raised.get("cause")
    failure.__cause__, failure.__context__ = None if cause is None else making.stand_in(cause), None
    return failure
