"""A real model server on loopback that speaks the OpenAI protocol from a script, and counts what it is asked.

It counts a request when it has come, before it is answered: what a killed client asked for is counted too.
``GET /_count`` gives ``{"requests", "answered"}`` (with an allowance ``refused``, too), ``GET /_requests`` every request's body.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import protocol, script, streaming
from .allowance import Allowance, http_date
from .script import Fail, Reply, Script

HOST = "127.0.0.1"
CHAT = "/chat/completions"
STOPS_WITHIN = 10.0
TORN_AFTER = 0.05
"""Seconds in which a client reads what there is of an answer, before its connection is reset."""


class ModelServer:
    """A scripted server with a free port of its own, up between ``with`` and its end.

    Args:
        script: a `Script`, a script's text, or the path of its file.
        delay: seconds that every answer takes.
        key: where given, requests must carry it as their bearer token.
        port: where given, instead of a free one.
        allow: how many requests are answered in a time; the others get 429.
    """

    def __init__(
        self,
        script: Script | str | Path,
        *,
        delay: float = 0.0,
        key: str | None = None,
        port: int = 0,
        allow: Allowance | None = None,
    ) -> None:
        self.script = _script(script)
        self.delay = delay
        self.key = key
        self.allow = allow
        self.bodies: list[dict[str, Any]] = []
        self.answered = 0
        self._spent = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._http = _listen(self, port)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, name="model-server", daemon=True)

    @property
    def base_url(self) -> str:
        """The address that an OpenAI client is given."""
        return f"http://{HOST}:{self._http.server_address[1]}/v1"

    @property
    def requests(self) -> int:
        """How many requests have come."""
        return len(self.bodies)

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop answering, and free the port."""
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(STOPS_WITHIN)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def came(self, body: dict[str, Any]) -> int:
        """Count a request; return its number, from 1."""
        with self._lock:
            self.bodies.append(body)
            return len(self.bodies)

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Count an answer whose last bytes are about to leave; where they don't, take it back.

        A client that has its answer may ask for the count at once: counting afterwards would be too late for it.
        """
        self._count(1)
        try:
            yield
        except OSError:
            self._count(-1)
            raise

    def _count(self, answers: int) -> None:
        with self._lock:
            self.answered += answers

    @property
    def left(self) -> int | None:
        """The tokens that are left of the script's quota; None without one."""
        return None if self.script.quota is None else self.script.quota - self._spent

    def spent(self, completion: dict[str, Any]) -> dict[str, Any]:
        """Count what an answer takes of the quota; return the answer."""
        with self._lock:
            self._spent += completion["usage"]["total_tokens"]
        return completion

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the server's end."""
        if seconds:
            self._stopping.wait(seconds)


def _script(given: Script | str | Path) -> Script:
    if isinstance(given, Script):
        return given
    return script.read(given) if isinstance(given, Path) else script.parse(given)


def _listen(server: ModelServer, port: int) -> ThreadingHTTPServer:
    class Handler(ChatHandler):
        models = server

    return _Listener((HOST, port), Handler)


class _Listener(ThreadingHTTPServer):
    """Gives each connection a thread. The names are the standard library's."""

    daemon_threads = True
    # With the standard library's five, the kernel resets some of the connections that a hundred clients open at once.
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that is gone, killed as it may be; tell of everything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ChatHandler(BaseHTTPRequestHandler):
    """One connection. The names of its methods are the standard library's."""

    models: ModelServer
    told: Mapping[str, str]
    """What the headers of this answer say of what is allowed."""
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes: without this, Nagle and delayed acknowledgements add 40 ms to each answer.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing: the server is part of a test or of a command."""

    def do_GET(self) -> None:
        """Answer what is asked about the server."""
        self.told = {}
        counts = {"requests": self.models.requests, "answered": self.models.answered}
        if self.models.allow is not None:
            counts["refused"] = self.models.allow.refused
        known = {"/_count": counts, "/_requests": self.models.bodies, "/v1/models": {"object": "list", "data": []}}
        found = known.get(self.path)
        self._send(404, protocol.error(f"there is no {self.path}")) if found is None else self._send(200, found)

    def do_POST(self) -> None:
        """Answer a chat completion."""
        self.told = {}
        body = _json(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        refused = self._refused(body)
        if refused is not None:
            self._send(*refused)
            return
        number = self.models.came(body)
        if self.models.allow is not None:
            passes, self.told = self.models.allow.judge(time.monotonic())
            if not passes:
                self._send(429, protocol.error("Rate limit reached for requests.", code="rate_limit_exceeded"))
                return
        beyond = protocol.refused(body, self.models.script.window, self.models.left)
        if beyond is not None:
            self._send(*beyond)
            return
        reply = self.models.script.reply(protocol.asked(body))
        self.models.wait(self.models.delay + (reply.delay if reply else 0.0))
        self._answer(body, reply, number)

    def _refused(self, body: Any) -> tuple[int, Any] | None:
        if not self.path.endswith(CHAT):
            return 404, protocol.error(f"there is no {self.path}")
        if self.models.key is not None and self.headers.get("Authorization") != f"Bearer {self.models.key}":
            said = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            return 401, protocol.error(f"Incorrect API key provided: {said}.", code="invalid_api_key")
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            return 400, protocol.error("the body is no JSON object with messages")
        return None

    def _answer(self, body: dict[str, Any], reply: Reply | None, number: int) -> None:
        if reply is None:
            self._send(400, protocol.error(f"the script has no reply for {protocol.asked(body)}"))
        elif reply.fail is not None:
            self._fail(body, reply.fail, number)
        elif body.get("stream"):
            self._stream(streaming.pieces(body, self.models.spent(protocol.completion(body, reply, number))), reply.drip)
        else:
            self._send(200, self.models.spent(protocol.completion(body, reply, number)))

    def _fail(self, body: dict[str, Any], fail: Fail, number: int) -> None:
        if fail.broken is None:
            self._refuse(fail)
        elif fail.broken == "reset":
            self._reset()
        elif fail.broken == "garbage":
            self._write(200, b'{"id": "chatcmpl-', {})
        else:
            self._break_off(body, protocol.completion(body, Reply(text=fail.text), number), cut=fail.broken in {"truncated", "torn"})
            if fail.broken == "torn":
                self.models.wait(TORN_AFTER)
                self._reset()

    def _reset(self) -> None:
        # Closing with a linger time of zero sends a reset instead of an end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _refuse(self, fail: Fail) -> None:
        headers = (
            {} if fail.retry_after is None else {"Retry-After": http_date(fail.retry_after) if fail.as_date else f"{fail.retry_after:g}"}
        )
        self._write(fail.status or 500, json.dumps(protocol.error(fail.message, code=fail.code)).encode(), headers)

    def _break_off(self, body: dict[str, Any], completion: dict[str, Any], *, cut: bool) -> None:
        """Begin an answer, and stop in its middle: by closing the connection before its end, or as if that were all."""
        if body.get("stream"):
            whole = streaming.pieces(body, completion)
            self._stream(whole[: len(whole) // 2], 0.0, ends=not cut)
            return
        content = json.dumps(completion).encode()
        self._write(200, content[: len(content) // 2], {"Content-Length": str(len(content))} if cut else {})
        # An answer that is whole to the transport leaves its connection in use: closing it would break off another request.
        self.close_connection = cut

    def _stream(self, pieces: list[bytes], drip: float, *, ends: bool = True) -> None:
        """Send pieces one by one; where it doesn't end, the connection closes and the transport can tell."""
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            for name, value in self.told.items():
                self.send_header(name, value)
            self.end_headers()
            *first, last = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
            for piece in first:
                self.wfile.write(piece)
                self.models.wait(drip)
            with self.models.leaving():
                self.wfile.write(last + (b"0\r\n\r\n" if ends else b""))
        except OSError:
            self.close_connection = True
            return
        self.close_connection = not ends

    def _send(self, status: int, value: Any) -> None:
        self._write(status, json.dumps(value, ensure_ascii=False).encode(), {})

    def _write(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **self.told, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with self.models.leaving() if self.command == "POST" else nullcontext():
                self.wfile.write(content)
        except OSError:
            # The client is gone (killed, or tired of waiting): its request stays counted.
            self.close_connection = True


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
