"""Exceptions as JSON, where they can't be trusted: whatever stands there, nothing but an exception is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from darner.runtime.exception_values import Unfit
from darner.runtime.exceptions import DEEPEST, Making
from darner.runtime.failures import CallableError, Network, OutOfMemory
from darner.runtime.perform import values
from darner.runtime.perform.raising import arriving, failed, kept, told

MAKING = Making(values.load)


def again(error: BaseException) -> Exception:
    """Return an exception as it comes out of a journal."""
    return MAKING.make(json.loads(json.dumps(told(error))))


@pytest.mark.parametrize(
    "ref", ["os:system", "builtins:eval", "builtins:SystemExit", "builtins:KeyboardInterrupt", "nowhere:Error", "builtins:list"]
)
def test_what_is_no_exception_is_never_called(ref: str) -> None:
    """A journal names types; those that aren't exceptions are refused, and those that end processes."""
    with pytest.raises(Unfit):
        MAKING.make({"type": ref, "text": "", "args": ["exit 1"]})


@pytest.mark.parametrize(
    "arg", [{"$": "enum", "type": "os:system", "of": "exit 1"}, {"$": "unheard", "of": 1}, {"$": "decimal", "of": "x"}]
)
def test_an_argument_that_nobody_wrote_is_refused(arg: Any) -> None:
    """It is no enumeration, no kind that is known, no number."""
    with pytest.raises(Unfit):
        MAKING.make({"type": "builtins:ValueError", "text": "", "args": [arg]})


class Broken(Exception):
    """Raises wherever it is looked at."""

    def __str__(self) -> str:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError

    def __reduce__(self) -> Any:
        raise RuntimeError

    def __setattr__(self, name: str, value: object) -> None:
        raise RuntimeError


def test_the_users_own_methods_are_neither_needed_nor_trusted() -> None:
    """An exception whose code is broken goes its way all the same."""
    with pytest.raises(Broken) as raised:
        raise Broken("one", 2) from KeyError("why")
    found = again(raised.value)
    assert type(found) is Broken
    assert found.args == ("one", 2)
    assert isinstance(found.__cause__, KeyError)
    assert found.__notes__[0].startswith("raised at ")


def test_causes_without_end_come_to_one() -> None:
    """A circle of causes, and a chain that is too long, are cut."""
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    circle = again(one)
    assert [type(circle), type(circle.__cause__)] == [ValueError, KeyError]
    assert isinstance(circle.__cause__.__cause__, CallableError)  # type: ignore[union-attr] # it was just looked at
    last = long = ValueError("last")
    for number in range(2 * DEEPEST):
        long = ValueError(number)
        long.__cause__, last = last, long
    assert again(long).args == long.args


def test_a_cause_that_cannot_be_made_again_has_a_stand_in() -> None:
    """The exception itself arrives as what it is."""

    class Hidden(Exception):
        pass

    error = ValueError("seen")
    error.__cause__ = Hidden("unseen")
    found = again(error)
    assert type(found) is ValueError
    assert isinstance(found.__cause__, CallableError)
    assert "Hidden" in found.__cause__.type_name


def test_secrets_are_masked_in_every_text() -> None:
    """In arguments, attributes, notes and causes."""
    error = ValueError("key 1234", ["1234"])
    error.add_note("1234")
    error.where = "1234"  # type: ignore[attr-defined] # as user code does
    error.__cause__ = KeyError("1234")
    assert "1234" not in json.dumps(told(error, lambda text: text.replace("1234", "[secret]")))


class TornDown(Network):
    """A user's own class of failures."""


def test_a_failure_of_the_users_own_class_arrives_as_that() -> None:
    """With its message and its cause; it is counted as what it is derived from."""
    error = TornDown("gone", help="look there")
    error.__cause__ = OSError(5, "io")
    found = MAKING.make(kept(error).raised)  # type: ignore[attr-defined] # a failure has it
    assert (type(found), found.args, found.help) == (TornDown, ("gone",), "look there")  # type: ignore[attr-defined] # likewise
    assert repr(found.__cause__) == repr(error.__cause__)


def test_memory_that_was_refused_is_out_of_memory_here_too() -> None:
    """By the table of evidence, whoever raises it."""
    assert isinstance(failed("it", MemoryError()), OutOfMemory)
    device = type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch"})
    assert isinstance(failed("it", device("CUDA out of memory")), OutOfMemory)
    assert type(failed("it", RuntimeError("CUDA out of memory"))) is CallableError


def test_the_calls_behind_exceptions_are_found_through_groups_and_causes() -> None:
    """They are made anew once the run is taken up, whatever user code has made of their exceptions."""
    one, other = CallableError("one"), CallableError("other")
    one.calls, other.calls, one.raised = ("first",), ("second",), told(ValueError("one"))
    error = RuntimeError("mine")
    error.__cause__ = ExceptionGroup("both", [arriving(one), other])
    step = CallableError("the step")
    step.__cause__ = error
    assert step.blamed() == ("second", "first")
    assert type(error.__cause__.exceptions[0]) is ValueError
