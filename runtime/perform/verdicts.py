"""A loop's ``next``: what comes after a round. It is pure, and what it said stands in the journal as the next round, or the result."""

from __future__ import annotations

import typing
from typing import Any

from ...compiler.plan import StepPlan
from .. import looping
from ..failures import CallableError
from ..language import Bail, Continue, Stop
from ..looping import Verdict
from ..ports import Json
from . import values
from .callables import callee, is_named, returned
from .results import annotation_of, fitting
from .threads import Threads


async def judge(threads: Threads, path: str, step: StepPlan, arguments: Json) -> Verdict:
    """Return what a loop's ``next`` says of a round; `CallableError` where it raised, or said nothing that a loop understands."""
    loop = looping.of(step)
    named = is_named(loop.with_)
    said = await returned(threads, loop.next, {} if arguments is None and named else arguments, named=named)
    match said:
        case Continue(state):
            return Verdict("continue", _state(loop.next, said, state))
        case Stop(state):
            return Verdict("stop", _state(loop.next, said, state))
        case Bail(reason):
            return Verdict("bail", str(reason))
        case _:
            shown = type(said).__name__
            msg = f"{loop.next}, which decides about {path}, returned a {shown}"
            raise CallableError(msg, type_name="TypeError", help="return Continue(state), Stop(state) or Bail(reason)")


def _state(ref: str, said: Continue[Any] | Stop[Any], state: Any) -> Json:
    """Return a state as JSON, after what the annotation of ``next`` says of it: ``Continue[Draft]``."""
    annotation = annotation_of(callee(ref).function)
    for one in (annotation, *typing.get_args(annotation)):
        if typing.get_origin(one) is type(said):
            [wanted] = typing.get_args(one)
            return values.dump(fitting(f"{ref}, in {type(said).__name__},", wanted, state))
    return values.dump(state)
