"""One MCP server of a run: opened when it is first needed, compared with the spec, opened again after it ended by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ....compiler.diagnostics import did_you_mean
from ....compiler.plan import McpPlan, ToolPlan
from ...failures import CallableError, DarnerError, Refused, Semantic
from ...ports import Json
from ..secrets import redact
from . import meanings
from .background import Background
from .connection import REFUSALS, Address, Connection, Refusal
from .remote_tool import RemoteTool

if TYPE_CHECKING:
    from mcp.types import Tool


class Unreachable(Refused):
    """A server that can't be started, or that nobody answers for."""


class Server:
    """A server and what a spec says of it. ``address`` is asked for when the server is opened: it reads secrets."""

    def __init__(self, name: str, entry: ToolPlan, mcp: McpPlan, address: Callable[[], Address], background: Background) -> None:
        self._name = name
        self._entry = entry
        self._mcp = mcp
        self._address = address
        self._background = background
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._newest: Connection | None = None
        """The one that was opened last, also where that failed: its server's last words are told."""

    def tools(self) -> dict[str, RemoteTool]:
        """Return the tools that the spec names, by their names at the server; opens it.

        Raises:
            Unreachable: it can't be started or reached.
            Refused: it isn't what the spec says.
        """
        return self._background.run(self._tools())

    async def _tools(self) -> dict[str, RemoteTool]:
        refusals: list[Refusal] = []
        REFUSALS.set(refusals)
        try:
            connection = await self._connected()
        except DarnerError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the package raises becomes one of our failures
            failure = self._failure(f"the MCP server {self._name} ({self._address().shown}) can't be reached", error, refusals)
            raise Unreachable(failure.message, help=failure.help or "start the server by hand to see what it says") from None
        return {name: _offered(f"{self._name}.{name}", connection.tools[name]) for name in self._mcp.tools}

    async def call(self, tool: str, arguments: Mapping[str, Json], key: str) -> Json:
        """Return what a tool gives.

        Raises:
            Semantic: the tool, or the server, says that it doesn't take the arguments.
            Crashed: the server's process ended before it answered; it is started again for the next call.
            Throttled, Network, CallableError: what else its answer means.
        """
        return await self._background.call(self._call(tool, dict(arguments), key))

    async def _call(self, tool: str, arguments: dict[str, Json], key: str) -> Json:
        refusals: list[Refusal] = []
        REFUSALS.set(refusals)
        full, connection = f"{self._name}.{tool}", None
        try:
            connection = await self._connected()
            if connection.is_stale:
                await self._look_again(connection, tool)
            return meanings.value_of(full, await connection.call(tool, arguments, key))
        except Semantic:
            # Some servers say so of a tool that they no longer have.
            if connection is not None:
                await self._look_again(connection, tool)
            raise
        except DarnerError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the package raises becomes one of our failures
            if connection is None:
                raise self._unsent(tool, self._failure(full, error, refusals)) from None
            if meanings.is_end(error):
                await self._drop(connection)
            failure = self._failure(full, error, refusals)
            if isinstance(failure, Semantic):
                await self._look_again(connection, tool)
            raise failure from None

    def _unsent(self, tool: str, failure: DarnerError) -> DarnerError:
        """Return the failure of a call whose server couldn't be opened: of a write it is certain that it didn't happen."""
        effects = self._mcp.effects.get(tool) or self._entry.effects or "write"
        if effects != "write" or self._entry.idempotent:
            return failure
        message = f"{failure.message}; nothing was sent to it"
        return CallableError(message, type_name="Unreachable", help="start the server, then go on with the run")

    def _failure(self, what: str, error: BaseException, refusals: list[Refusal]) -> DarnerError:
        # What a server says last may well be the key that it doesn't like.
        hidden = self._newest.address.secrets if self._newest is not None else ()
        words = redact(self._newest.last_words(), hidden) if self._newest is not None else ""
        now = time.time()  # noqa: TID251 - Retry-After may be a date of the server's
        failure = meanings.failure_of(what, error, refusals, is_process=self._mcp.command is not None, words=words, now=now)
        failure.message = redact(failure.message, hidden)
        failure.args = (failure.message,)
        return failure

    async def _look_again(self, connection: Connection, tool: str) -> None:
        """Read anew what the server offers; `CallableError` where the tool is no longer there."""
        await connection.look_again()
        if tool not in connection.tools:
            msg = f"the MCP server {self._name} no longer has the tool {tool}"
            raise CallableError(msg, type_name="ToolGone", help=f"it has {_names(connection.tools)}")

    async def _connected(self) -> Connection:
        async with self._lock:
            if self._connection is not None and self._connection.is_over:
                await self._connection.close()
                self._connection = None
            if self._connection is None:
                opened = self._newest = Connection(self._address())
                await opened.open()
                try:
                    compare(self._name, self._entry, self._mcp, opened.tools)
                except Refused:
                    await opened.close()
                    raise
                self._connection = opened
            return self._connection

    async def _drop(self, connection: Connection | None) -> None:
        async with self._lock:
            if connection is not None and self._connection is connection:
                self._connection = None
                await connection.close()

    async def close(self) -> None:
        """End the connection, and the server's process."""
        await self._drop(self._connection)


def compare(name: str, entry: ToolPlan, mcp: McpPlan, offered: Mapping[str, Tool]) -> None:
    """Refuse a server that isn't what a spec says of it: tools that it lacks, effects that it contradicts."""
    for tool in (*mcp.tools, *mcp.effects):
        if tool not in offered:
            help_ = did_you_mean(tool, offered) or f"it has {_names(offered)}"
            raise Refused(f"the MCP server {name} has no tool {tool}", help=help_)
    for tool in mcp.effects:
        if tool not in mcp.tools:
            raise Refused(f"{name} says what {tool} does to the world, and doesn't list it under tools", help=f"add {tool} to its tools")
    for tool in mcp.tools:
        _compare_effects(f"{name}.{tool}", entry, mcp.effects.get(tool) or entry.effects or "write", offered[tool])


def _compare_effects(full: str, entry: ToolPlan, effects: str, tool: Tool) -> None:
    """Only what a server says itself counts; a server that says nothing of it is taken at the spec's word."""
    said = tool.annotations
    if said is not None and effects != "write" and said.read_only_hint is False:
        raise Refused(f"{full} is declared {effects}, and its server says that it changes something", help="declare it write")
    if said is not None and effects == "write" and entry.idempotent and said.idempotent_hint is False and said.read_only_hint is not True:
        raise Refused(f"{full} is declared idempotent, and its server says that it isn't", help="take `idempotent: true` away")


def _offered(full: str, tool: Tool) -> RemoteTool:
    return RemoteTool(full, tool.description or tool.title or "", tool.input_schema)


def _names(tools: Mapping[str, Tool]) -> str:
    return ", ".join(sorted(tools)[:20]) or "none"
