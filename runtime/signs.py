"""Evidence of what went wrong, as values: what HTTP answered, the types of an exception, how a process ended, what a peer said.

Beside each kind of evidence stand the signs by which the rows of `evidence.TABLE` know it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

_LEAST, _MOST = 400, 599
"""HTTP statuses that are errors."""
XLA = ("jaxlib.xla_extension.XlaRuntimeError", "jaxlib._jax.XlaRuntimeError", "jax.errors.JaxRuntimeError")
"""What XLA's one exception is called in Python: in jax 0.4 and 0.5, in 0.6 and 0.7, from 0.8 on."""
_STATUS = re.compile(r"([A-Z][A-Z_]*): ")
"""How ``absl::Status::ToString`` begins: the canonical code's name; the words come after it."""

By: TypeAlias = Literal["client", "code"]
"""Who raised: a client of ours that speaks to a server, or the code of a spec."""
KilledFor: TypeAlias = Literal["memory", "disk", "time", "end"]
"""Why we killed a process of ours ourselves: it went over a promise, or its work is over."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered. Header names are in lower case; ``code`` and ``type`` are the provider's, from its body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception by the names of its types, ``module.Class``, along its method resolution order.

    ``status`` is the name of the canonical status code that it carries: XLA raises one type for all that goes wrong in it.
    """

    names: tuple[str, ...]
    by: By = "code"
    status: str | None = None

    @classmethod
    def of(cls, error: BaseException, by: By = "code") -> Raised:
        """Return the evidence that an exception is, by its types, and by its status where it is XLA's."""
        names = tuple(f"{one.__module__}.{one.__qualname__}" for one in type(error).__mro__)
        return cls(names, by, None if set(XLA).isdisjoint(names) else _status_of(error))


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """How a process ended. ``oom_kills`` is what the counter of its control group grew by."""

    code: int | None = None
    signal: int | None = None
    oom_kills: int = 0
    killed_for: KilledFor | None = None


@dataclass(frozen=True, slots=True)
class RpcError:
    """The code of a JSON-RPC error; whether the peer is a process that we started."""

    code: int
    is_process: bool = False


Evidence: TypeAlias = HttpAnswer | Raised | ProcessEnd | RpcError


def answer_of(error: BaseException) -> HttpAnswer | None:
    """Return the HTTP answer that an exception carries, None where it carries none.

    The clients' exceptions have it as ``response`` (httpx, requests), as ``status_code`` with ``headers`` and ``body`` (the
    providers'), as ``status`` (aiohttp) or as ``code`` (urllib), each with ``headers``.
    """
    response = getattr(error, "response", None)
    has_headers = hasattr(error, "headers")  # without them, `status` and `code` are anybody's words
    names = ("status_code", "status", "code") if has_headers else ("status_code",)
    held = (getattr(response, "status_code", None), *(getattr(error, name, None) for name in names))
    status = next((one for one in held if isinstance(one, int) and not isinstance(one, bool) and _LEAST <= one <= _MOST), None)
    if status is None:
        return None
    headers = getattr(error, "headers", None) or getattr(response, "headers", None) or {}
    lower = {str(name).lower(): str(value) for name, value in dict(headers).items()}
    return HttpAnswer(status, lower, *_said(error))


def _said(error: BaseException) -> tuple[str | None, str | None]:
    """Return the provider's code and type: as its client found them, else as they stand in the body."""
    body: Any = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    inner = inner if isinstance(inner, Mapping) else {}
    code = getattr(error, "provider_error_code", None) or inner.get("code")
    kind = getattr(error, "provider_error_type", None) or inner.get("type")
    return (code if isinstance(code, str) else None), (kind if isinstance(kind, str) else None)


def _status_of(error: BaseException) -> str | None:
    """Return the name of the status code of XLA's exception, None where it has none.

    In jax 0.9.2 and later it is an attribute; before, it is what stands ahead of the first colon. Nothing after that counts.
    """
    name = getattr(error, "error_code_string", None)
    if isinstance(name, str):
        return name
    said = error.args[0] if error.args else None
    found = _STATUS.match(said) if isinstance(said, str) else None
    return found[1] if found else None


class Sign(Protocol):
    """What a row of the table looks for; its text is what the documentation shows."""

    def fits(self, found: Evidence) -> bool:
        """Return whether a piece of evidence is this sign."""
        ...

    def example(self) -> Evidence:
        """Return a piece of evidence that fits."""
        ...


@dataclass(frozen=True, slots=True)
class Status:
    """HTTP statuses, both ends included."""

    first: int
    last: int | None = None

    def fits(self, found: Evidence) -> bool:
        """Return whether a server answered so."""
        return isinstance(found, HttpAnswer) and self.first <= found.status <= (self.last or self.first)

    def example(self) -> Evidence:
        """Return the first one."""
        return HttpAnswer(self.first)

    def __str__(self) -> str:
        return f"HTTP {self.first}" if self.last is None else f"HTTP {self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Says:
    """Codes or types in the body of a provider's error."""

    codes: tuple[str, ...]

    def fits(self, found: Evidence) -> bool:
        """Return whether a provider's error carries one of them."""
        return isinstance(found, HttpAnswer) and bool({found.code, found.type} & set(self.codes))

    def example(self) -> Evidence:
        """Return one with the status that says least."""
        return HttpAnswer(400, code=self.codes[-1])

    def __str__(self) -> str:
        return "code or type " + ", ".join(f"`{one}`" for one in self.codes)


@dataclass(frozen=True, slots=True)
class Type:
    """Types of exceptions; ``by`` None: whoever raised it."""

    names: tuple[str, ...]
    by: By | None = None

    def fits(self, found: Evidence) -> bool:
        """Return whether one of them was raised, or one that is derived from it."""
        return isinstance(found, Raised) and self.by in {None, found.by} and bool(set(found.names) & set(self.names))

    def example(self) -> Evidence:
        """Return the last one."""
        return Raised((self.names[-1],), self.by or "code")

    def __str__(self) -> str:
        who = {"client": " in a client of ours", "code": " in code of the spec", None: ""}[self.by]
        return ", ".join(f"`{one.removeprefix('builtins.')}`" for one in self.names) + who


@dataclass(frozen=True, slots=True)
class Coded:
    """Types of exceptions that say by a status code what they are."""

    names: tuple[str, ...]
    status: str

    def fits(self, found: Evidence) -> bool:
        """Return whether one of them was raised with that status."""
        return isinstance(found, Raised) and found.status == self.status and not set(self.names).isdisjoint(found.names)

    def example(self) -> Evidence:
        """Return the last one."""
        return Raised((self.names[-1],), status=self.status)

    def __str__(self) -> str:
        return ", ".join(f"`{one}`" for one in self.names) + f" with the status `{self.status}`"


@dataclass(frozen=True, slots=True)
class Counted:
    """The kernel's own counter."""

    def fits(self, found: Evidence) -> bool:
        """Return whether it grew."""
        return isinstance(found, ProcessEnd) and found.oom_kills > 0

    def example(self) -> Evidence:
        """Return one kill, that of a process below: the child itself ended by itself."""
        return ProcessEnd(code=0, oom_kills=1)

    def __str__(self) -> str:
        return "`oom_kill` of the process's control group has grown (`memory.events`, v1: `memory.oom_control`)"


@dataclass(frozen=True, slots=True)
class Killed:
    """A kill of our own, for a promise that was not kept."""

    why: KilledFor

    def fits(self, found: Evidence) -> bool:
        """Return whether it was."""
        return isinstance(found, ProcessEnd) and found.killed_for == self.why

    def example(self) -> Evidence:
        """Return it, as the kernel tells it."""
        return ProcessEnd(signal=9, killed_for=self.why)

    def __str__(self) -> str:
        return f"killed by darner: {self.why}"


@dataclass(frozen=True, slots=True)
class Exit:
    """Ends of a process that nothing of ours caused; ``None`` in both: any end."""

    code: int | None = None
    signal: int | None = None

    def fits(self, found: Evidence) -> bool:
        """Return whether it ended so."""
        if not isinstance(found, ProcessEnd):
            return False
        asked = [(self.code, found.code), (self.signal, found.signal)]
        return all(wanted is None or wanted == seen for wanted, seen in asked)

    def example(self) -> Evidence:
        """Return it; of any end, a SIGKILL of which nobody knows more."""
        return ProcessEnd(self.code, self.signal) if (self.code, self.signal) != (None, None) else ProcessEnd(signal=9)

    def __str__(self) -> str:
        if self.code is not None:
            return f"exit code {self.code}"
        return "any other end of the process, a bare SIGKILL too" if self.signal is None else f"signal {self.signal}"


@dataclass(frozen=True, slots=True)
class Rpc:
    """A JSON-RPC error code; ``is_process`` None: wherever the peer is."""

    code: int
    is_process: bool | None = None

    def fits(self, found: Evidence) -> bool:
        """Return whether the peer said so."""
        return isinstance(found, RpcError) and found.code == self.code and self.is_process in {None, found.is_process}

    def example(self) -> Evidence:
        """Return it."""
        return RpcError(self.code, is_process=bool(self.is_process))

    def __str__(self) -> str:
        where = {None: "", True: ", of a server that darner started", False: ", of a server elsewhere"}[self.is_process]
        return f"JSON-RPC {self.code}{where}"


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever is left."""

    def fits(self, found: Evidence) -> bool:  # noqa: ARG002 - that it looks at nothing is its point
        """Return True."""
        return True

    def example(self) -> Evidence:
        """Return what nobody knows."""
        return Raised(("builtins.Exception", "builtins.BaseException"))

    def __str__(self) -> str:
        return "anything else that was raised or answered"
