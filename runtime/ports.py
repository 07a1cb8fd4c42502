"""The seams of the runtime as Protocols: what files here are handed, and folders here provide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from ..compiler.settings import Effects, FailureClass, Reaction
from .amounts import NOTHING, Bound, Estimate
from .amounts import Usage as Usage  # noqa: PLC0414 - every body gives one back, see `Outcome`
from .events import Event

Json = Any
"""A value made of None, bool, int, float, str, lists, and dicts with text keys."""


class Store(Protocol):
    """Objects by name under one folder or bucket. Every write is atomic and durable once it returns.

    Names are those of `journal.paths`. Errors: `Missing`, `Corrupt`, `StoreError`.
    """

    @property
    def url(self) -> str:
        """The store's address, as a person gives it."""
        ...

    def get(self, name: str) -> bytes:
        """Return an object's bytes; `Missing` where there is none."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """Write an object, replacing what was there."""
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Write an object only if there is none of that name; return whether this call made it."""
        ...

    def exists(self, name: str) -> bool:
        """Return whether there is an object of that name."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Return the names of all objects in and below a folder, sorted; empty where there is no such folder."""
        ...

    def size(self, name: str) -> int:
        """Return the bytes of an object, or of all in and below a folder; 0 where there is neither."""
        ...

    def folders(self, prefix: str) -> list[str]:
        """Return the names (last parts) of the folders directly in a folder, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object or a whole folder; nothing happens where there is none."""
        ...

    def writer(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Return a file to write a large object; it appears whole when the block ends well, and not at all otherwise."""
        ...

    def reader(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Return a seekable file to read a large object."""
        ...

    def local_path(self, name: str) -> Path | None:
        """Return the object's path where the store is a local folder (to map files into memory), else None."""
        ...


class Log(Protocol):
    """One run's journal, held by its owner. What `append` has returned from is durable."""

    @property
    def epoch(self) -> int:
        """How often the run was taken up, from 1."""
        ...

    def read(self) -> Iterator[Event]:
        """Yield every event so far, in order; `Corrupt` where bytes are not what was written."""
        ...

    def append(self, events: Sequence[Event]) -> None:
        """Write events as one group commit and return when they are durable."""
        ...

    def load(self, digest: str) -> Json:
        """Return a large payload by the digest under which an event names it; `Corrupt` where it isn't what was written."""
        ...

    def hold(self, seconds: float) -> None:
        """Make sure that nobody takes the run by mistake within so many seconds: before a write that may last that long."""
        ...

    def look(self) -> None:
        """Raise `Fenced` where another process has taken the run over: whoever writes nothing for long hears of it so."""
        ...

    def close(self) -> None:
        """Give the run up."""
        ...


@runtime_checkable
class StagedLog(Log, Protocol):
    """A log that can set the disk to work before it waits for it: what is done between the two takes no time of its own."""

    def begin(self, events: Sequence[Event]) -> None:
        """Write events as one group commit, which isn't durable yet. Nothing else is written before `finish`."""
        ...

    def finish(self) -> None:
        """Return when what `begin` wrote is durable."""
        ...


@dataclass(frozen=True, slots=True)
class Caching:
    """How a call's result is shared with equal calls: of its run, of its user's runs, of all runs."""

    scope: Literal["run", "user", "shared"]
    fingerprint: str
    """Of all that the callee's results depend on, see `meaning`."""
    reads: Json
    """What of the arguments the callee reads."""
    version: str | int | None = None
    ttl: float | None = None
    """Seconds for which a result of another run counts; None for ever."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a write's approval needs: whom to ask, and what other arguments they may give instead."""

    human: str
    schema: Json = None
    """The JSON Schema of the arguments."""
    check: Callable[[Json], object] | None = None
    """Raises a `Failure` where arguments don't fit."""


@dataclass(frozen=True, slots=True)
class Approved:
    """A consumed approval. ``events`` go into one commit with the write's intent."""

    arguments: Json = None
    """What a person gave instead of the arguments that were asked for; None for these."""
    events: tuple[Event, ...] = ()


Turn: TypeAlias = "Callable[[Callable[[float], Awaitable[None]]], AbstractAsyncContextManager[None]]"
"""Waits until something may begin, by what waits so many seconds, and holds its place in the block."""


_AS_THE_LANGUAGE_SAYS: Mapping[FailureClass, Reaction] = MappingProxyType({})


class CallRequest(NamedTuple):
    """One call through the effect boundary. Its identity is (parent, kind, name, arguments, ordinal among equal ones)."""

    parent: str
    kind: Literal["model", "tool", "agent", "callable", "human"]
    name: str
    arguments: Json
    effects: Effects = "read"
    idempotent: bool = False
    takes_key: bool = True
    """Whether its body, or what looks for a write that broke off, takes an idempotency key."""
    fingerprint: str = ""
    """The callee's fingerprint: stored with the result, never part of the identity."""
    on_failure: Mapping[FailureClass, Reaction] = _AS_THE_LANGUAGE_SAYS
    """What lies over the language's reactions for this call; not part of the identity. Calls of kind "agent" are never
    tried again: what failed inside them was already tried again where it happened."""
    approval: Approval | None = None
    """Who must approve this write before it is done; not part of the identity."""
    reconcile: Callable[[Permit], Awaitable[Json]] | None = None
    """Finds out whether a write that broke off happened: its result, or None where it didn't; not part of the identity."""
    remembers: bool = False
    """What is said in this call is kept, and handed to the calls of that name that begin later in the same run."""
    flaw: Callable[[Sequence[Json]], str | None] | None = None
    """Where messages on record may be damaged, and what comes before them is gone back to: says why some are none."""
    cache: Caching | None = None
    """Where an equal call's result may come from; not part of the identity. Never given for what writes."""
    patience: float | None = None
    """The longest wait, in seconds, that a limit is waited for, where somebody else can be asked; None for any."""
    turn: Turn | None = None
    """What each attempt waits for before it begins, and holds until it is over: no time-out goes on before that."""
    need: Estimate | None = None
    """What a request to a model will use: it isn't made where that can't be afforded; not part of the identity."""
    bounds: tuple[Bound, ...] = ()
    """What the agents on whose behalf it is made may use, outermost first; not part of the identity."""


class Permit(NamedTuple):
    """What a body is handed when it may go ahead."""

    call_id: str
    attempt: int
    idempotency_key: str
    earlier: Sequence[Json] = ()
    """For a call that remembers: what was said in those of its name that were finished when it first began, in their order."""
    arguments: Json = None
    """What a person gave instead of the call's own arguments; None for these."""


class Outcome(NamedTuple):
    """What a body gives back, and what it used."""

    value: Json
    usage: Usage = NOTHING
    said: Sequence[Json] = ()
    """The messages of a call that remembers."""
    is_whole: bool = False
    """Whether they stand for what the call went on with, too, since that was too long."""


class AskPeople(Protocol):
    """Where a run's boundaries ask people. See `perform.people.people.People`."""

    async def ask(self, boundary: Any, name: str, arguments: Json, *, parent: str) -> Json:
        """Return a person's answer: served once it is recorded, waited for until then."""
        ...

    async def approve(self, boundary: Any, call: str, request: CallRequest) -> Approved:
        """Return the approval of a write; raises `Denied` where a person says no."""
        ...

    async def settle(self, boundary: Any, call: str, request: CallRequest) -> tuple[str, Json, Event]:
        """Return what a person says of a write that may or may not have happened: done (and its result), do, or abort."""
        ...


class Gate(Protocol):
    """What new calls wait at in a run that was resumed strictly."""

    async def passed(self) -> None:
        """Return once it is known that everything on record is still asked for; raises `Unasked` where something isn't."""
        ...

    def watch(self, replay: Any) -> None:
        """Hear of a step that begins, or is gone on with, by its `replay.Replay`."""
        ...

    def refuse(self) -> None:
        """Raise `Unasked` again, where code has caught it."""
        ...


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is on record of a call that is about to be asked for."""

    is_served: bool = False
    """Whether it would be given its result, or its failure, again: nothing has to be done, or paid."""
    has_result: bool = False
    refused: tuple[Json, ...] = ()
    """Of a request to a model whose answer was refused for good, and which is made anew: that answer, then the other answers
    that were refused on the same behalf."""


NOT_ON_RECORD = OnRecord()


class Boundary(Protocol):
    """The one place through which models, tools, people and child processes are reached.

    A finished result is served from the journal; otherwise the body runs under the failure policy, and its result is
    durable before it is returned, or, where the call is pure, before anything else begins. Raises a `Failure` when the
    policy is used up.
    """

    async def call(self, request: CallRequest, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return the result of a call: served, or performed and recorded."""
        ...

    def look(self, request: CallRequest) -> OnRecord:
        """Return what is on record of a call that is asked for next."""
        ...

    def refuse(self, parent: str, reason: str) -> None:
        """Hear that the newest answer of a model that was asked on behalf of ``parent`` is not accepted; once is enough."""
        ...

    def last(self, parent: str) -> str | None:
        """Return the identity of the call on behalf of ``parent`` whose result was given last, where there is a record of it."""
        ...


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Return seconds since 1970, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Resolver(Protocol):
    """Where the names of servers become addresses."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return a host's addresses in the order in which they are tried; `OSError` where it has none, or nobody can say."""
        ...


class Secrets(Protocol):
    """Where secrets come from, at the moment of use."""

    def get(self, name: str) -> str:
        """Return a secret's value; `Refused` names a missing one and says how to set it."""
        ...


class Progress(Protocol):
    """Where long work shows how far it is. Every method may be called from any thread."""

    def update(self, counts: Mapping[str, Any]) -> None:
        """Show the newest counts."""
        ...

    def note(self, text: str) -> None:
        """Show one line that stays."""
        ...
