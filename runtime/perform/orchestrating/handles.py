"""Handles: what an orchestrator is given of each tool, agent and person in its `calls`. Typed values in, typed values out."""

from __future__ import annotations

import copy
import typing
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...failures import CallableError, Failure, Refused, Semantic
from ...ports import Json
from ...resources import Grant
from .. import values
from ..raising import arriving


class Calling(NamedTuple):
    """One call that is asked for: of whom, with what, where."""

    name: str
    arguments: Json
    is_named: bool
    grant: Grant | None = None
    """What was asked for with `on`."""


Perform = Callable[[Calling], Coroutine[Any, Any, Json]]
"""Performs a call, or serves it, and returns its result as JSON."""


@dataclass(frozen=True)
class CallHandle:
    """A tool or an agent, as `language.Call` says; ``output`` is the annotation of its result."""

    name: str
    output: Any
    perform: Perform
    wished: Callable[[Mapping[str, Any]], Grant] | None = None
    """Checks what `on` asks for; None where there is no process to give it to."""
    grant: Grant | None = None

    def __call__(self, *values_: Any, **named: Any) -> Awaitable[Any]:
        """Return the call, to be awaited: one value, or values by name."""
        if len(values_) > 1 or (values_ and named):
            msg = f"{self.name} takes one value, or values by name"
            raise TypeError(msg)
        # What is passed is written down now: whoever changes it before awaiting changes his own copy.
        given = values.dump(values_[0] if values_ else named)
        return self._call(Calling(self.name, given, not values_, self.grant))

    async def _call(self, calling: Calling) -> Any:
        try:
            result = await self.perform(calling)
        except Failure as failed:
            failure = failed
        else:
            return typed(self.name, self.output, result)
        raise arriving(failure)  # not inside the block: what user code is given has no context of ours

    def on(self, **resources: Any) -> CallHandle:
        """Return the same callee with other resources: ``memory="1Gi"``, ``disk="10Gi"``, ``cpu=2``, ``gpu="l4"``.

        Raises:
            Refused: it starts no process, or that can't be promised: by the policy, or on this machine.
        """
        if self.wished is None:
            raise Refused(f"{self.name} starts no process, so there is nothing that on({', '.join(resources)}) could give it")
        try:
            grant = self.wished(resources)
        except Refused as refusal:
            raise Refused(f"{self.name}.{refusal.message}", help=refusal.help) from refusal
        return replace(self, grant=grant if self.grant is None else grant.over(self.grant))


@dataclass(frozen=True)
class AskHandle:
    """A person, as `language.Ask` says."""

    name: str
    output: Any
    perform: Perform

    def __call__(self, **variables: Any) -> Awaitable[Any]:
        """Return the question, to be awaited."""
        return self._ask(Calling(self.name, values.dump(variables), is_named=True))

    async def _ask(self, calling: Calling) -> Any:
        return typed(self.name, self.output, await self.perform(calling))


def typed(name: str, annotation: Any, value: Json) -> Any:
    """Return a recorded result as what its handle's annotation says; `CallableError` where it doesn't fit."""
    try:
        # A copy, so that what an orchestrator does to it stays its own affair.
        return values.parse(annotation, copy.deepcopy(value) if isinstance(value, dict | list) else value)
    except Semantic as misfit:
        msg = f"the result of {name} doesn't fit {values.shown(annotation)}: {misfit.message}"
        raise CallableError(msg, type_name="ValidationError") from misfit


def output_of(annotation: Any) -> Any:
    """Return what a handle's annotation says of its result: the last argument of ``Call[In, Out]`` or ``Ask[Out]``."""
    arguments = typing.get_args(annotation)
    return arguments[-1] if arguments else Any
