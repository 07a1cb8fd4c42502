"""A small real MCP server, over stdio or streamable HTTP; what it does is written into a file, so that effects can be counted.

``python tracker.py LOG [stdio|http PORT]``
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

LOG = Path(sys.argv[1])
server = MCPServer("tracker")
meeting: list[int] = []
"""The calls of `together` that have come."""
all_there = asyncio.Event()


def note(text: str) -> None:
    """Append a line, whole."""
    with LOG.open("a", encoding="utf-8") as file:
        file.write(text + "\n")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def search(query: str, limit: int = 3) -> list[str]:
    """Find issues."""
    note(f"search {query}")
    return [f"{query} {n}" for n in range(limit)]


@server.tool(annotations=ToolAnnotations(read_only_hint=False, idempotent_hint=False))
def create_issue(title: str, ctx: Context) -> dict[str, Any]:
    """Open an issue."""
    meta: Any = ctx.request_context.meta or {}
    note(f"create {title} {meta.get('darner/idempotency_key')}")
    return {"number": len(title), "title": title}


@server.tool()
def fail(reason: str) -> str:
    """Refuse."""
    raise ToolError(reason)


@server.tool()
async def slow(seconds: float) -> str:
    """Answer late; at once where there is a file ``quick`` beside the log."""
    note("slow begins")
    if not LOG.with_name("quick").exists():
        await asyncio.sleep(seconds)
    return "late"


@server.tool()
async def together(count: int) -> str:
    """Answer once so many calls of it are under way."""
    meeting.append(count)
    if len(meeting) == count:
        all_there.set()
    await all_there.wait()
    return "late"


@server.tool()
def die(times: int) -> str:
    """End the process, so many times over all lives of the server."""
    note("die")
    if LOG.read_text(encoding="utf-8").split().count("die") <= times:
        sys.stderr.write("I am dying of a broken heart\n")
        sys.stderr.flush()
        os._exit(3)
    return "alive"


@server.tool()
async def shrink(ctx: Context) -> str:
    """Take the tool `search` away, and say so."""
    server.remove_tool("search")
    await ctx.session.send_tool_list_changed()
    return "done"


@server.tool()
def environment(name: str) -> str:
    """Tell a variable."""
    return os.environ.get(name, "unset")


@server.tool()
def leave_child() -> int:
    """Start a process that outlives the server, in a session of its own."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    note(f"child {child.pid}")
    return child.pid


if __name__ == "__main__":
    note(f"started {os.getpid()}")
    if sys.argv[2] == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[3]))
    else:
        server.run("stdio")
