"""A loop's ``next``: what comes after a round. It is pure, and what it said stands in the journal as the next round, or the result."""

from __future__ import annotations

from ...compiler.plan import StepPlan
from .. import looping
from ..failures import CallableError
from ..language import Bail, Continue, Stop
from ..looping import Verdict
from ..ports import Json
from . import values
from .callables import is_named, returned
from .threads import Threads


async def judge(threads: Threads, path: str, step: StepPlan, arguments: Json) -> Verdict:
    """Return what a loop's ``next`` says of a round; `CallableError` where it raised, or said nothing that a loop understands."""
    loop = looping.of(step)
    named = is_named(loop.with_)
    said = await returned(threads, loop.next, {} if arguments is None and named else arguments, named=named)
    match said:
        case Continue(state):
            return Verdict("continue", values.dump(state))
        case Stop(state):
            return Verdict("stop", values.dump(state))
        case Bail(reason):
            return Verdict("bail", str(reason))
        case _:
            shown = type(said).__name__
            msg = f"{loop.next}, which decides about {path}, returned a {shown}"
            raise CallableError(msg, type_name="TypeError", help="return Continue(state), Stop(state) or Bail(reason)")
