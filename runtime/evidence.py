"""What went wrong, judged by its evidence: one table, read from the top; the first row that fits decides the class.

Evidence is what `signs` knows as values. Texts are no evidence: not what a process writes on its standard error, and not a
provider's prose; a code is, at the place where a protocol puts it. A bare SIGKILL says nothing about memory. Whoever meets
a failure from outside asks here; what darner finds out itself (an answer that fails its schema, a budget that is used up, a
history that was damaged, a process that is asked to leave) is raised as its class where it is found.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..compiler.settings import FailureClass
from .failures import FAILURES, Failure
from .retry_after import retry_after
from .signs import (
    XLA,
    Anything,
    By,
    Coded,
    Counted,
    Evidence,
    Exit,
    HttpAnswer,
    Killed,
    Raised,
    Rpc,
    Says,
    Sign,
    Status,
    Type,
    answer_of,
)

OUT_OF_MEMORY = 91
"""The exit code by which a child of ours says: a MemoryError was raised."""
CLOSED, TIMED_OUT, BAD_PARAMETERS = -32000, -32001, -32602
"""JSON-RPC codes: the first two are those of MCP's packages for a connection that ended and an answer that didn't come."""
_DEPTH = 12
"""Exceptions that are looked at along ``__cause__``."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what is seen, what it is, why in a few words, and who says that it is so."""

    sign: Sign
    kind: FailureClass
    cause: str
    source: str
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What the evidence says. ``retry_after`` is in seconds, where the other side named it."""

    kind: FailureClass
    text: str
    help: str | None = None
    retry_after: float | None = None


_RFC, _ERRORS, _PAI = "RFC 9110, 15", "the providers' lists of error codes", "pydantic-ai, `exceptions`"
_PAY = "the account's quota or credit is used up; waiting won't help"
_PYTHON = "Python, built-in exceptions"
_PROMISE = "raise it under `resources`, or declare on_oom"

TABLE: tuple[Row, ...] = (
    Row(Counted(), "oom", "the kernel ended it for its memory", "Linux, cgroup v2 `memory.events`; v1 `memory.oom_control`", _PROMISE),
    Row(Killed("memory"), "oom", "it went over the memory that it was promised", "darner's watchdog", _PROMISE),
    Row(Exit(OUT_OF_MEMORY), "oom", "a MemoryError was raised in it", "darner's children, which end so", _PROMISE),
    Row(
        Type(("torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError", "torch.cuda.memory.OutOfMemoryError")),
        "oom", "the device is out of memory", "PyTorch, `torch.OutOfMemoryError`", "declare on_oom with smaller batches",
    ),
    Row(
        Type(("tensorflow.python.framework.errors_impl.ResourceExhaustedError", "cupy.cuda.memory.OutOfMemoryError")),
        "oom", "the device is out of memory", "TensorFlow, CuPy: their exceptions", "declare on_oom with smaller batches",
    ),
    Row(
        Coded(XLA, "RESOURCE_EXHAUSTED"),
        "oom", "the device is out of memory", "JAX, `jax.errors.JaxRuntimeError`; the codes of `absl::Status`",
        "declare on_oom with smaller batches",
    ),
    Row(Type(("builtins.MemoryError",)), "oom", "memory was refused to it", _PYTHON, _PROMISE),
    Row(
        Says((
            "insufficient_quota", "billing_hard_limit_reached", "credit_balance_exhausted", "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_error",
        )),
        "exhausted", "the account's quota or credit is used up", "OpenAI, Anthropic: error codes", _PAY,
    ),
    Row(Status(402), "exhausted", "payment is required", _RFC, _PAY),
    Row(
        Type(("pydantic_ai.exceptions.ModelQuotaExceededError",)),
        "exhausted", "the account's quota or credit is used up", _PAI, _PAY,
    ),
    Row(
        Says(("context_length_exceeded", "exceed_context_size_error", "request_too_large")),
        "context", "the request is larger than the model's window", f"{_ERRORS}; llama.cpp's server",
    ),
    Row(Status(413), "context", "the request is too large", _RFC),
    Row(
        Type(("pydantic_ai.exceptions.ModelContextWindowExceededError",)),
        "context", "the request is larger than the model's window", _PAI,
    ),
    Row(Says(("content_filter", "content_policy_violation")), "semantic", "the provider refused the content", _ERRORS),
    Row(
        Type(("pydantic_ai.exceptions.ContentFilterError", "pydantic_ai.exceptions.OutputTokenLimitExceeded")),
        "semantic", "the answer was cut off, or refused", _PAI,
    ),
    Row(Rpc(BAD_PARAMETERS), "semantic", "the arguments aren't what it takes", "JSON-RPC 2.0, 5.1"),
    Row(
        Says((
            "rate_limit_exceeded", "rate_limit_error", "too_many_requests", "tokens_exceeded", "overloaded", "overloaded_error",
            "server_is_overloaded", "service_unavailable", "service_unavailable_error", "RESOURCE_EXHAUSTED", "UNAVAILABLE",
            "ThrottlingException", "ServiceUnavailableException",
        )),
        "throttled", "the provider says: later", _ERRORS,
    ),
    Row(Status(429), "throttled", "too many requests", "RFC 6585, 4"),
    Row(Status(503), "throttled", "the service is unavailable", _RFC),
    Row(Status(529), "throttled", "the service is overloaded", "Anthropic: errors"),
    Row(
        Type(("pydantic_ai.exceptions.ModelRateLimitError", "pydantic_ai.exceptions.ModelUnavailableError")),
        "throttled", "the provider says: later", _PAI,
    ),
    Row(Status(408), "network", "the server waited too long for the request", _RFC),
    Row(Status(425), "network", "the server won't take it so early", "RFC 8470, 5.2"),
    Row(Status(500, 599), "network", "the server failed", _RFC),
    Row(Status(401), "error", "the server doesn't know who asks", _RFC, "is its secret right, and may it use this model?"),
    Row(Status(403), "error", "the server doesn't allow it", _RFC, "is its secret right, and may it use this model?"),
    Row(Status(400, 499), "error", "the server doesn't take the request", _RFC),
    Row(Type(("socket.gaierror",)), "network", "the name can't be resolved", "Python, `socket`"),
    Row(Type(("ssl.SSLError",)), "network", "TLS failed", "Python, `ssl`"),
    Row(Type(("builtins.ConnectionRefusedError",)), "network", "nobody listens there", _PYTHON),
    Row(Type(("builtins.ConnectionResetError", "builtins.BrokenPipeError")), "network", "the connection broke off", _PYTHON),
    Row(Type(("builtins.ConnectionError",)), "network", "the connection failed", _PYTHON),
    Row(
        Type((
            "httpx.TimeoutException", "httpx2.TimeoutException", "requests.exceptions.Timeout", "openai.APITimeoutError",
            "anthropic.APITimeoutError", "urllib3.exceptions.TimeoutError", "pydantic_ai.exceptions.ModelRequestTimeout",
            "pydantic_ai.exceptions.ModelTimeoutError", "builtins.TimeoutError",
        )),
        "network", "no answer came in time", "Python, httpx, requests, urllib3, the providers' clients",
    ),
    Row(Rpc(TIMED_OUT), "network", "no answer came in time", "MCP's packages"),
    Row(
        Type((
            "httpx.TransportError", "httpx2.TransportError", "requests.exceptions.ConnectionError",
            "requests.exceptions.ChunkedEncodingError", "aiohttp.client_exceptions.ClientConnectionError",
            "aiohttp.client_exceptions.ClientPayloadError", "urllib3.exceptions.ProtocolError", "urllib3.exceptions.NewConnectionError",
            "urllib3.exceptions.MaxRetryError", "urllib3.exceptions.SSLError", "urllib.error.URLError", "http.client.IncompleteRead",
            "http.client.BadStatusLine", "openai.APIConnectionError", "anthropic.APIConnectionError",
            "pydantic_ai.exceptions.ModelConnectionError",
        )),
        "network", "the connection failed", "httpx, requests, aiohttp, urllib3, the providers' clients",
    ),
    Row(Type(("pydantic_ai.exceptions.ModelServerError",)), "network", "the server failed", _PAI),
    Row(Type(("pydantic_ai.exceptions.ModelRequestRejectedError",)), "error", "the provider doesn't take the request", _PAI),
    Row(Type(("pydantic_ai.exceptions.ModelAPIError",)), "network", "the answer can't be read", _PAI),
    Row(
        Type(("json.decoder.JSONDecodeError", "pydantic_ai.exceptions.UnexpectedModelBehavior", "builtins.LookupError"), by="client"),
        "network", "the answer can't be read", "an answer that is cut off says nothing about the question",
    ),
    Row(Rpc(CLOSED, is_process=True), "crashed", "its process ended before it answered", "MCP's packages"),
    Row(Rpc(CLOSED, is_process=False), "network", "the connection ended before it answered", "MCP's packages"),
    Row(Type(("builtins.OSError",), by="client"), "network", "the connection failed", _PYTHON),
    Row(Killed("time"), "network", "it took longer than it may", "darner: `timeout`"),
    Row(Killed("disk"), "exhausted", "it wrote more than it may", "darner: `resources.disk`", "raise disk under `resources`"),
    Row(Killed("end"), "crashed", "it was ended by darner", "darner: the step was over"),
    Row(Exit(signal=15), "preempted", "the machine asked it to leave (SIGTERM)", "the platforms' notice before they take a machine"),
    Row(Exit(143), "preempted", "the machine asked it to leave (SIGTERM)", "POSIX shells: 128 and the signal's number"),
    Row(Exit(), "crashed", "the process died", "POSIX, `wait`"),
    Row(Anything(), "error", "it raised", "language: `error`"),
)  # fmt: skip
"""Which evidence means what."""


def classify(*found: Evidence, now: float = 0.0) -> Cause:
    """Return what pieces of evidence of one failure mean; ``now`` is in seconds since 1970, for dates in headers."""
    row = decided_by(*found)
    waits = (retry_after(one.headers, now) for one in found if isinstance(one, HttpAnswer))
    return Cause(row.kind, row.cause, row.help, next((one for one in waits if one is not None), None))


def decided_by(*found: Evidence) -> Row:
    """Return the row that decides: the first of the table that any of the pieces fits."""
    return next(row for row in TABLE if any(row.sign.fits(one) for one in found))


def why(error: BaseException, by: By = "code", now: float = 0.0) -> Cause:
    """Return what an exception means, by its types and the HTTP answer that it carries, if any.

    A client's own exception hides whether a name, TLS or a connection failed: the exact cause is that of what it was raised from.
    A group (of an ``asyncio.TaskGroup``) is of the class that all in it have.
    """
    if isinstance(error, BaseExceptionGroup):
        return _why_all(error, by, now)
    answer = answer_of(error)
    if answer is not None:
        return classify(answer, Raised.of(error, by), now=now)
    seen = classify(Raised.of(error, by))
    inner = error.__cause__ or error.__context__
    for _ in range(_DEPTH):
        if seen.kind != "network" or inner is None:
            break
        exact = classify(Raised.of(inner))
        seen = exact if exact.kind == "network" else seen
        inner = inner.__cause__ or inner.__context__
    return seen


def _why_all(group: BaseExceptionGroup[BaseException], by: By, now: float) -> Cause:
    found = [why(one, by, now) for one in group.exceptions]
    if len({one.kind for one in found}) > 1:
        return classify(Raised.of(group, by))
    return max(found, key=lambda one: one.retry_after or 0.0)


def failure_of(cause: Cause, message: str, type_name: str | None = None) -> Failure:
    """Return the exception of a cause."""
    made = FAILURES[cause.kind](message, retry_after=cause.retry_after, type_name=type_name, help=cause.help)
    made.cause = cause.text
    return made
