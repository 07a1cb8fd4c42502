"""The table that says what evidence means: every row, by an example of its own, and by hand."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.error
from email.message import Message
from email.utils import formatdate
from typing import Any

import httpx2
import openai
import pytest
from pydantic_ai import exceptions as theirs

from darner.compiler.settings import REACTIONS, FailureClass
from darner.runtime.evidence import TABLE, Row, classify, decided_by, failure_of, why
from darner.runtime.failures import FAILURES
from darner.runtime.retry_after import LONGEST, retry_after
from darner.runtime.signs import Evidence, HttpAnswer, ProcessEnd, Raised, RpcError, answer_of

requests: Any = pytest.importorskip("requests")
aiohttp: Any = pytest.importorskip("aiohttp")
NOW = 1_800_000_000.0


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind}: {row.sign}"[:70])
def test_every_row_of_the_table_is_reached_by_its_own_example(row: Row) -> None:
    """No row stands in the shadow of an earlier one, and each has a cause, a source and a class that specs can react to."""
    assert decided_by(row.sign.example()) is row
    assert row.kind in REACTIONS
    assert row.cause
    assert row.source
    assert str(row.sign)


HTTP: list[tuple[int, str | None, FailureClass]] = [
    (400, None, "error"),
    (401, None, "error"),
    (402, None, "exhausted"),
    (403, None, "error"),
    (404, None, "error"),
    (408, None, "network"),
    (409, None, "error"),
    (413, None, "context"),
    (422, None, "error"),
    (425, None, "network"),
    (429, None, "throttled"),
    (429, "rate_limit_exceeded", "throttled"),
    (429, "insufficient_quota", "exhausted"),
    (400, "billing_error", "exhausted"),
    (400, "context_length_exceeded", "context"),
    (400, "exceed_context_size_error", "context"),
    (400, "content_filter", "semantic"),
    (500, None, "network"),
    (500, "overloaded_error", "throttled"),
    (502, None, "network"),
    (503, None, "throttled"),
    (504, None, "network"),
    (529, None, "throttled"),
    (599, None, "network"),
]


@pytest.mark.parametrize(("status", "code", "kind"), HTTP)
def test_an_http_answer_is_judged_by_its_status_and_its_providers_code(status: int, code: str | None, kind: FailureClass) -> None:
    """Whether the code stands as `code` or as `type`."""
    assert classify(HttpAnswer(status, code=code)).kind == kind
    assert classify(HttpAnswer(status, type=code)).kind == kind


ENDS: list[tuple[ProcessEnd, FailureClass]] = [
    (ProcessEnd(signal=9), "crashed"),
    (ProcessEnd(code=137), "crashed"),
    (ProcessEnd(signal=9, oom_kills=1), "oom"),
    (ProcessEnd(code=0, oom_kills=2), "oom"),
    (ProcessEnd(signal=9, killed_for="memory"), "oom"),
    (ProcessEnd(code=91), "oom"),
    (ProcessEnd(code=1), "crashed"),
    (ProcessEnd(code=0), "crashed"),
    (ProcessEnd(signal=11), "crashed"),
    (ProcessEnd(signal=15), "preempted"),
    (ProcessEnd(code=143), "preempted"),
    (ProcessEnd(signal=9, killed_for="time"), "network"),
    (ProcessEnd(signal=9, killed_for="disk"), "exhausted"),
    (ProcessEnd(signal=9, killed_for="end"), "crashed"),
]


@pytest.mark.parametrize(("end", "kind"), ENDS)
def test_the_end_of_a_process_is_judged_by_counters_codes_and_our_own_kills(end: ProcessEnd, kind: FailureClass) -> None:
    """A bare SIGKILL is no out of memory: that takes the kernel's counter, our own kill, or the reserved code."""
    assert classify(end).kind == kind


@pytest.mark.parametrize(
    ("found", "kind"), [(RpcError(-32602), "semantic"), (RpcError(-32001), "network"), (RpcError(-32000), "network"),
                        (RpcError(-32000, is_process=True), "crashed"), (RpcError(-32603), "error")],
)  # fmt: skip
def test_an_rpc_error_is_judged_by_its_code_and_by_where_the_peer_is(found: Evidence, kind: FailureClass) -> None:
    """A connection that ends is a dead process only where the process was ours."""
    assert classify(found).kind == kind


class OutOfMemoryError(RuntimeError):
    """What PyTorch raises where a device has no memory left: there is no device here, its name is the evidence."""


OutOfMemoryError.__module__ = "torch"


class DeviceFull(MemoryError):
    """What CuPy raises for that: its type's name stands before what it is derived from."""


DeviceFull.__module__, DeviceFull.__qualname__ = "cupy.cuda.memory", "OutOfMemoryError"


class XlaRuntimeError(RuntimeError):
    """What jax raised up to 0.7 for all that goes wrong in XLA, the status's code ahead of the words: there is no jax here."""


class JaxRuntimeError(RuntimeError):
    """What it raises now: the code is an attribute, too."""

    error_code_string: str | None = None


XlaRuntimeError.__module__, JaxRuntimeError.__module__ = "jaxlib._jax", "jax.errors"


def _xla(kind: type[Exception], words: str, status: str | None = None) -> BaseException:
    error = kind(words)
    if isinstance(error, JaxRuntimeError):
        error.error_code_string = status
    return error


class Ours(ConnectionResetError):
    """A library's own exception for a connection that broke off."""


def _urllib(status: int) -> urllib.error.HTTPError:
    headers = Message()
    headers["Retry-After"] = "7"
    return urllib.error.HTTPError("http://x", status, "no", headers, None)


def _httpx(status: int, wait: int = 7) -> httpx2.HTTPStatusError:
    request = httpx2.Request("GET", "http://x")
    return httpx2.HTTPStatusError(
        "no", request=request, response=httpx2.Response(status, headers={"Retry-After": str(wait)}, request=request)
    )


def _requests(status: int) -> BaseException:
    response = requests.Response()
    response.status_code, response.headers["Retry-After"] = status, "7"
    error: BaseException = requests.HTTPError("no", response=response)
    return error


REQUEST: Any = httpx2.Request("GET", "http://x")
ANSWERED: list[tuple[int, FailureClass]] = [(429, "throttled"), (502, "network"), (404, "error")]
RAISED: list[tuple[BaseException, FailureClass]] = [
    (ConnectionRefusedError(), "network"),
    (Ours(), "network"),
    (BrokenPipeError(), "network"),
    (TimeoutError(), "network"),
    (socket.gaierror(-2, "no"), "network"),
    (ssl.SSLCertVerificationError("no"), "network"),
    (httpx2.ConnectError("no"), "network"),
    (httpx2.ReadTimeout("no"), "network"),
    (requests.ConnectionError("no"), "network"),
    (requests.exceptions.ReadTimeout("no"), "network"),
    (aiohttp.ServerDisconnectedError(), "network"),
    (aiohttp.ClientPayloadError(), "network"),
    (aiohttp.InvalidURL("no"), "error"),
    (openai.APIConnectionError(request=REQUEST), "network"),
    (urllib.error.URLError("no"), "network"),
    (theirs.ModelRateLimitError("m", "no"), "throttled"),
    (theirs.ModelOverloadedError("m", "no"), "throttled"),
    (theirs.ModelQuotaExceededError("m", "no"), "exhausted"),
    (theirs.ModelContextWindowExceededError("m", "no"), "context"),
    (theirs.ContentFilterError("no"), "semantic"),
    (theirs.ModelTimeoutError("m", "no"), "network"),
    (theirs.ModelAuthenticationError("m", "no"), "error"),
    (MemoryError(), "oom"),
    (OutOfMemoryError("CUDA out of memory"), "oom"),
    (RuntimeError("CUDA out of memory; connection reset; HTTP 429"), "error"),
    (DeviceFull("Out of memory allocating 1,024 bytes"), "oom"),
    (_xla(XlaRuntimeError, "RESOURCE_EXHAUSTED: Out of memory allocating 17592186044416 bytes."), "oom"),
    (_xla(JaxRuntimeError, "RESOURCE_EXHAUSTED: Out of memory allocating 17592186044416 bytes."), "oom"),
    (_xla(JaxRuntimeError, "full", "RESOURCE_EXHAUSTED"), "oom"),
    (_xla(JaxRuntimeError, "RESOURCE_EXHAUSTED: it is not", "INTERNAL"), "error"),
    (_xla(XlaRuntimeError, "INTERNAL: RESOURCE_EXHAUSTED: out of memory"), "error"),
    (_xla(XlaRuntimeError, "out of memory, RESOURCE_EXHAUSTED: all of it"), "error"),
    (_xla(XlaRuntimeError, ""), "error"),
    (XlaRuntimeError(), "error"),
    (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes."), "error"),
    (FileNotFoundError(), "error"),
    (json.JSONDecodeError("no", "", 0), "error"),
    (ValueError("429"), "error"),
    (ExceptionGroup("of a task group", [ConnectionResetError(), ExceptionGroup("below", [TimeoutError()])]), "network"),
    (ExceptionGroup("one of it isn't", [ConnectionResetError(), ValueError()]), "error"),
]


@pytest.mark.parametrize(("error", "kind"), RAISED, ids=lambda one: type(one).__name__ if isinstance(one, BaseException) else one)
def test_an_exception_is_judged_by_its_types_and_the_answer_that_it_carries(error: BaseException, kind: FailureClass) -> None:
    """Never by its text."""
    assert why(error).kind == kind


def test_a_devices_memory_is_told_from_the_process_s() -> None:
    """CuPy's exception is a `MemoryError`, too: what would help is a smaller batch, and not more memory for the process."""
    for error in (DeviceFull("full"), OutOfMemoryError("full"), _xla(XlaRuntimeError, "RESOURCE_EXHAUSTED: full")):
        assert why(error).text == "the device is out of memory"
        assert "batches" in (why(error).help or "")
    assert why(MemoryError()).text == "memory was refused to it"


@pytest.mark.parametrize(("status", "kind"), ANSWERED)
def test_an_answer_that_a_clients_exception_carries_decides(status: int, kind: FailureClass) -> None:
    """Wherever the client keeps it: urllib, httpx and requests, with its Retry-After."""
    for make in (_urllib, _httpx, _requests):
        assert (why(make(status)).kind, why(make(status)).retry_after) == (kind, 7.0)


def test_a_broken_answer_is_the_networks_only_where_a_client_of_ours_read_it() -> None:
    """User code that reads JSON reads it from anywhere."""
    assert why(json.JSONDecodeError("no", "", 0), "client").kind == "network"
    assert why(IndexError("list index out of range"), "client").kind == "network"  # an answer without what it must have
    assert why(OSError(5, "no"), "client").kind == "network"
    assert why(IndexError("list index out of range")).kind == "error"
    assert why(OSError(5, "no")).kind == "error"


def test_a_cause_is_that_of_the_exception_behind_a_clients_own() -> None:
    """`ConnectError` says little; what it was raised from says that a name, a certificate or a port was it."""
    outer = httpx2.ConnectError("no")
    outer.__cause__ = OSError("all attempts failed")
    outer.__cause__.__cause__ = socket.gaierror(-2, "no")
    assert why(outer).text == "the name can't be resolved"
    outer.__cause__.__cause__ = ConnectionRefusedError()
    assert why(outer).text == "nobody listens there"
    looping = httpx2.ConnectError("no")
    looping.__context__ = ValueError()
    looping.__context__.__context__ = looping
    assert why(looping).kind == "network"


def test_a_clients_exception_that_hides_another_class_keeps_its_own() -> None:
    """A MemoryError somewhere in the history of a reset connection makes no oom of it."""
    outer = ConnectionResetError()
    outer.__context__ = MemoryError()
    assert why(outer).kind == "network"


def test_a_groups_wait_is_the_longest_that_anybody_asks_for() -> None:
    """Several requests at once were put off: none may be made again before the last of them may."""
    longest = ExceptionGroup("of a task group", [_httpx(429, 3), _httpx(429, 9), _httpx(429, 7)])
    assert (why(longest).kind, why(longest).retry_after) == ("throttled", 9.0)


def test_numbers_that_only_look_like_a_status_are_none() -> None:
    """`code` and `status` are anybody's words where no headers stand beside them."""
    for name in ("code", "status"):
        error = ValueError("no")
        setattr(error, name, 429)
        assert answer_of(error) is None
    assert answer_of(_httpx(200)) is None
    boolean = ValueError("no")
    boolean.status_code = True  # type: ignore[attr-defined]  # what a user's class may hold
    assert answer_of(boolean) is None


def test_a_failure_carries_cause_help_and_wait() -> None:
    """As the table says."""
    found = failure_of(classify(HttpAnswer(429, {"retry-after": "7"})), "the model small: HTTP 429", "Slow")
    assert type(found) is FAILURES["throttled"]
    assert (found.retry_after, found.cause, found.type_name) == (7.0, "too many requests", "Slow")
    assert "waiting won't help" in (failure_of(classify(HttpAnswer(429, code="insufficient_quota")), "no").help or "")
    assert Raised.of(KeyError()).names[0] == "builtins.KeyError"


WAITS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": " 7 "}, 7.0),
    ({"retry-after": "0.25"}, 0.25),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "-3"}, 0.0),
    ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
    ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0.0),
    ({"retry-after": "Friday, 15-Jan-27 08:01:30 GMT"}, 90.0),
    ({"retry-after": "Fri Jan 15 08:01:30 2027"}, 90.0),
    ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST),
    ({"retry-after": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
    ({"retry-after": "31536000"}, LONGEST),
    ({"retry-after": "9" * 400}, None),
    ({"retry-after": "1e3"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "\uff11\uff12"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": ""}, None),
    ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
    ({"retry-after-ms": "nan", "retry-after": "2"}, 2.0),
    ({"retry-after-ms": "-1", "retry-after": "2"}, 2.0),
    ({"retry-after-ms": "99999999999"}, LONGEST),
]


@pytest.mark.parametrize(("headers", "wait"), WAITS, ids=str)
def test_retry_after_is_read_in_each_form_whatever_is_in_it(headers: dict[str, str], wait: float | None) -> None:
    """Seconds, the three forms of an HTTP date, milliseconds; past and negative ones are over, years are a day at most."""
    assert NOW == 1_800_000_000.0
    assert retry_after(headers, NOW) == wait
