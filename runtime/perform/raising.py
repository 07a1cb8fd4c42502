"""What user code raised, on its way to the user code that catches it: over processes, journals and resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..evidence import classify, failure_of
from ..exception_values import Unfit
from ..exceptions import Making, describe, mapped, said
from ..failures import CallableError, Failure, put_behind
from ..ports import Json
from ..signs import Raised
from . import values

HOUSE = str(Path(__file__).parents[2])
"""The folder of this package: what is raised in here was raised for somebody outside."""


def told(error: BaseException, masked: Callable[[str], str] = str) -> Json:
    """Return an exception as JSON, see `exceptions.describe`; ``masked`` masks secrets in its texts."""
    return mapped(describe(error, values.load, HOUSE), masked)


def failed(name: str, error: BaseException, masked: Callable[[str], str] = str) -> Failure:
    """Return the failure that user code's exception is: `OutOfMemory` by the table of evidence, else `CallableError`.

    ``masked`` masks secrets in its texts.
    """
    cause = classify(Raised.of(error))
    text = f"{name} raised {type(error).__name__}: {masked(said(error))}"
    if cause.kind == "oom":
        return failure_of(cause, text, type(error).__name__)
    failure = CallableError(text, type_name=type(error).__name__)
    failure.raised = told(error, masked)
    return failure


def recorded(failure: Failure) -> Json:
    """Return what a journal keeps of the exception behind a failure; a user's own class of failures is one itself."""
    if failure.raised is None and type(failure).__module__ != Failure.__module__:
        return told(failure)
    return failure.raised


def arriving(failure: Failure) -> Exception:
    """Return what the caller of a call that failed is given: the user's own exception, where there is one and it can be made.

    What it is given live is made from the same words as what it is given from a journal, so its code goes the same way.
    """
    if failure.raised is None:
        return failure
    making = Making(values.load)
    try:
        error = making.make(failure.raised)
    except Unfit as unfit:
        cause = failure.raised.get("cause")
        failure.__cause__ = None if cause is None else making.stand_in(cause)
        if isinstance(failure, CallableError):
            failure.help = f"it arrives as a CallableError: {unfit}"
        return failure
    put_behind(error, failure)
    return error
