"""What user code raised, on its way to the user code that catches it: over processes, journals and resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..exception_values import Unfit
from ..exceptions import Making, describe, mapped
from ..failures import CallableError, Failure, put_behind
from ..ports import Json
from . import values

HOUSE = str(Path(__file__).parents[2])
"""The folder of this package: what is raised in here was raised for somebody outside."""


def told(error: BaseException, redact: Callable[[str], str] | None = None) -> Json:
    """Return an exception as JSON, see `exceptions.describe`; ``redact`` masks secrets in its texts."""
    found = describe(error, values.load, HOUSE)
    return found if redact is None else mapped(found, redact)


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
