"""The words that Python code beside a spec uses: ``Call``, ``Ask``, ``Code``, ``Personal``, ``Vector``, ``Continue``, ``Stop``, ``Bail``.

They are recognised by name (``darner.runtime.language:Call``) when callables are inspected; see language.md's sections
on loops and on native control flow.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Protocol, TypeVar

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)
State = TypeVar("State")
Value = TypeVar("Value")


class Call(Protocol[In_contra, Out_co]):
    """A tool or an agent, handed to a step that lists it in ``calls``: ``Call[In, Out]``, or ``Call[Any, Out]`` for several arguments.

    ``Call[..., Out]`` means the same to darner; type checkers know those dots only in the place of a ParamSpec, and the
    place of one plain type can't be a ParamSpec's too.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Awaitable[Out_co]:
        """Call it; the call is durable, and its result is served after a crash."""
        ...

    def on(self, **resources: Any) -> Call[In_contra, Out_co]:
        """Return the same callee with other resources for its next calls, such as ``memory="1Gi"``."""
        ...


class Ask(Protocol[Out_co]):
    """A person, handed to a step that lists them in ``calls``: the variables of ``ask`` in, the answer out."""

    def __call__(self, **variables: Any) -> Awaitable[Out_co]:
        """Ask, and wait for the answer, however long that takes."""
        ...


class GeneratedCode:
    """Marks text that a model wrote; see `Code`."""


class PersonalMark:
    """Marks a field about a person; see `Personal`."""


class VectorMark:
    """Marks a list of numbers that is kept as 32-bit floats; see `Vector`."""


Code = Annotated[str, GeneratedCode]
"""The annotation of a parameter that takes generated code: its tool must declare a sandbox."""

Personal = Annotated[Value, PersonalMark]
"""``Personal[str]``: a field that never enters a shared cache and is redacted in views."""


Vector = Annotated[list[float], VectorMark]
"""The annotation of a field that holds an embedding: a job keeps it as 32-bit floats (a plain ``list[float]`` as 64-bit)."""


@dataclass(frozen=True)
class Continue(Generic[State]):
    """What a loop's ``next`` returns to go on with another round."""

    state: State


@dataclass(frozen=True)
class Stop(Generic[State]):
    """What a loop's ``next`` returns when the loop is done; ``state`` is the loop's result."""

    state: State


@dataclass(frozen=True)
class Bail:
    """What a loop's ``next`` returns when going on makes no sense."""

    reason: str
