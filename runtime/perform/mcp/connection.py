"""One connection to an MCP server, from its opening to its end, by the `mcp` package."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from ...failures import Refused
from ..secrets import redact
from . import guard

if TYPE_CHECKING:
    import httpx2
    from mcp import Client
    from mcp.types import CallToolResult, RequestParamsMeta, Tool

OPENS_WITHIN = 60.0
"""Seconds that a server has to start, and to say what it offers."""
_ANSWERS_WITHIN = 600.0
_CONNECT = 10.0
_LAST_WORDS = 5
_READS_WITHIN = 1.0
_PAGES = 100


@dataclass(frozen=True)
class Address:
    """Where a server is: a command with its environment, or a URL with its headers. Values are real ones, secrets too."""

    name: str
    command: tuple[str, ...] | None
    url: str | None
    given: Mapping[str, str]
    folder: Path | None
    secrets: tuple[str, ...] = ()
    """Of the values, those that are told nobody."""

    @property
    def shown(self) -> str:
        """What people are told of it: nothing that could be a secret."""
        return redact(self.command[0] if self.command else (self.url or "").partition("?")[0], self.secrets)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server's HTTP said instead of an answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]


REFUSALS: ContextVar[list[Refusal] | None] = ContextVar("mcp_refusals", default=None)
"""What HTTP refused while one call was made; each call sets its own list."""


class Connection:
    """An open connection. It lives in a task of its own, since what opens it must close it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.tools: dict[str, Tool] = {}
        self.is_stale = False
        """The server said that its tools have changed."""
        self._words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._ending = asyncio.Event()
        self._open: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def open(self) -> None:
        """Return when the server has said what it offers. Raises what `mcp` raises, or TimeoutError."""
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                await asyncio.shield(self._open)
        except BaseException:
            await self.close()
            raise

    async def _keep(self) -> None:
        try:
            async with self._client() as client:
                self.tools = await listed(client)
                self._open.set_result(client)
                await self._ending.wait()
        except BaseException as error:
            if not self._open.done():
                self._open.set_exception(error)
                self._open.exception()  # it is looked at even where nobody waits for it any more
            if isinstance(error, asyncio.CancelledError):
                raise

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[Client]:
        from mcp import Client, StdioServerParameters, stdio_client  # noqa: PLC0415 - only runs with MCP servers pay for it

        if self.address.command is not None:
            command, *arguments = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), *self.address.command]
            started = StdioServerParameters(command=command, args=arguments, env=dict(self.address.given), cwd=self.address.folder)
            with _heard(self._words) as words:
                async with Client(stdio_client(started, errlog=words), message_handler=self._hear, cache=None) as client:
                    yield client
            return
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - likewise

        async with _http(self.address) as http:
            transport = streamable_http_client(self.address.url or "", http_client=http)
            async with Client(transport, message_handler=self._hear, cache=None) as client:
                yield client

    async def _hear(self, message: Any) -> None:
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self.is_stale = True

    async def call(self, tool: str, arguments: dict[str, Any], key: str) -> CallToolResult:
        """Return a tool's result; the idempotency key goes along in the request's ``_meta``."""
        client = await asyncio.shield(self._open)
        return await client.call_tool(tool, arguments, meta=cast("RequestParamsMeta", {"darner/idempotency_key": key}))

    async def look_again(self) -> None:
        """Read anew what the server offers."""
        self.is_stale = False
        self.tools = await listed(await asyncio.shield(self._open))

    @property
    def is_over(self) -> bool:
        """Whether the connection has ended by itself."""
        return self._task.done()

    def last_words(self) -> str:
        """Return what the server wrote last on its standard error."""
        return " / ".join(self._words)

    async def close(self) -> None:
        """End the connection, and the server with it where it was started for it."""
        self._ending.set()
        if not self._open.done():
            self._task.cancel()
        await asyncio.wait({self._task})


async def listed(client: Client) -> dict[str, Tool]:
    """Return what a server offers, page after page; `Refused` where that finds no end."""
    found: dict[str, Tool] = {}
    cursor = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        found |= {tool.name: tool for tool in page.tools}
        cursor = page.next_cursor
        if cursor is None:
            return found
    msg = f"an MCP server goes on naming tools after {_PAGES} pages ({len(found)} of them)"
    raise Refused(msg, help="each page of its list names the next one: it has to come to an end")


@contextlib.contextmanager
def _heard(words: deque[str]) -> Iterator[TextIO]:
    """Yield a file for a server's standard error, of which the last lines are kept."""
    reading, writing = os.pipe()

    def read() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            words.extend(line.rstrip() for line in lines if line.strip())

    reader = threading.Thread(target=read, daemon=True, name="darner-mcp-stderr")
    reader.start()
    try:
        with os.fdopen(writing, "w", encoding="utf-8") as file:
            yield file
    finally:
        reader.join(_READS_WITHIN)


def _http(address: Address) -> httpx2.AsyncClient:
    import httpx2  # noqa: PLC0415 - only servers with a URL need it

    async def note(response: httpx2.Response) -> None:
        refusals = REFUSALS.get()
        if refusals is not None and response.is_error:
            refusals.append(Refusal(response.status_code, {name.lower(): value for name, value in response.headers.items()}))

    return httpx2.AsyncClient(
        headers=dict(address.given), timeout=httpx2.Timeout(_ANSWERS_WITHIN, connect=_CONNECT), event_hooks={"response": [note]}
    )
