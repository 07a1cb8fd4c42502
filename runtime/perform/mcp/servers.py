"""The MCP servers of one plan: names like ``gh.create_issue`` to a server and its tool."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....compiler.permits import host_of, host_permitted
from ....compiler.plan import McpPlan, Plan, ToolPlan
from ....compiler.wires import references
from ...failures import Refused
from ...ports import Json
from .background import Background
from .connection import Address
from .remote_tool import RemoteTool
from .server import Server, Unreachable

DOT = "."


class Servers:
    """The servers of one plan, each opened when one of its tools is first asked for.

    Args:
        plan: whose ``tools`` entries with ``mcp`` are meant.
        fixed: gives what a value of a spec stands for: parameters and secrets.
        folder: where commands are started.
        offered: what the servers offered when the run began, by name. It stands in for a server that can't be reached: only
            a call that is new needs the server itself.
    """

    def __init__(
        self, plan: Plan, *, fixed: Callable[[Any], Any], folder: Path | None, offered: Mapping[str, RemoteTool] | None = None
    ) -> None:
        self._plan = plan
        self._fixed = fixed
        self._folder = folder
        self._background = Background()
        self._servers: dict[str, Server] = {}
        self._tools: dict[str, RemoteTool] = {}
        self._offered = dict(offered or {})

    def entry(self, name: str) -> ToolPlan | None:
        """Return the entry of a server's tool, with that tool's own effects; None where the name is no server's tool's."""
        server, dot, tool = name.partition(DOT)
        entry = self._plan.tools.get(server)
        if not dot or entry is None or entry.mcp is None or tool not in entry.mcp.tools:
            return None
        return entry.model_copy(update={"effects": entry.mcp.effects.get(tool, entry.effects)})

    def tool(self, name: str) -> RemoteTool:
        """Return a tool as it is offered; `Refused` where its server can't be reached, or isn't what the spec says."""
        if name not in self._tools:
            self._tools |= self._of_server(name)
        return self._tools[name]

    def _of_server(self, name: str) -> Mapping[str, RemoteTool]:
        try:
            return {one.called: one for one in self._server(name.partition(DOT)[0]).tools().values()}
        except Unreachable:
            if name not in self._offered:
                raise
            return {name: self._offered[name]}

    @property
    def seen(self) -> Mapping[str, RemoteTool]:
        """The tools that were asked for so far, by name."""
        return dict(self._tools)

    async def call(self, name: str, arguments: dict[str, Json], key: str) -> Json:
        """Return what a tool gives; see `Server.call`."""
        server, _, tool = name.partition(DOT)
        return await self._server(server).call(tool, arguments, key)

    def _server(self, name: str) -> Server:
        if name not in self._servers:
            need_mcp()
            entry = self._plan.tools[name]
            mcp = entry.mcp or McpPlan()
            self._servers[name] = Server(name, entry, mcp, lambda: self._address(name, entry, mcp), self._background)
        return self._servers[name]

    def _address(self, name: str, entry: ToolPlan, mcp: McpPlan) -> Address:
        given = {key: str(self._fixed(value)) for key, value in entry.with_.items()}
        command = tuple(str(self._fixed(part)) for part in mcp.command) if mcp.command else None
        url = str(self._fixed(mcp.url)) if mcp.url else None
        allowed = self._plan.policy.egress
        if url is not None and not host_permitted(allowed, url):
            msg = f"the MCP server {name} is at {host_of(url)}, which is not among policy.egress {', '.join(allowed or ()) or '(none)'}"
            raise Refused(msg)
        return Address(name, command, url, given, self._folder, self._secrets_in([*entry.with_.values(), *(mcp.command or ()), mcp.url]))

    def _secrets_in(self, written: Sequence[Any]) -> tuple[str, ...]:
        return tuple(str(self._fixed(one)) for one in written if any(ref.root == "secrets" for ref in references(one)))

    def close(self) -> None:
        """End every server that was started, and every connection."""
        if self._servers:
            servers, self._servers = list(self._servers.values()), {}
            self._tools.clear()
            self._background.run(_close(servers))
            self._background.close()


async def _close(servers: list[Server]) -> None:
    await asyncio.gather(*(one.close() for one in servers), return_exceptions=True)


def need_mcp() -> None:
    """Refuse with an install hint where the mcp extra is missing."""
    try:
        importlib.import_module("mcp")
    except ImportError as error:
        msg = f"MCP servers need the package {error.name}"
        raise Refused(msg, help="pip install 'darner[mcp]'") from error
