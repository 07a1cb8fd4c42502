"""MCP servers, real ones, over standard input and output and over HTTP."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.failures import CallableError, Crashed, Network, Refused, Semantic
from darner.runtime.perform.mcp import guard
from darner.runtime.perform.mcp.connection import listed
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.tools import Tools
from darner.testing import MemoryBoundary, ServerProcess

pytest.importorskip("mcp")

TRACKER = str(Path(__file__).parent / "desks" / "tracker.py")
READS = {"search": "read", "fail": "read", "slow": "read", "die": "read", "shrink": "read", "environment": "read", "leave_child": "read"}


class Desk:
    """A server's log, and the tools of a plan that reaches it."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.log = folder / "log"
        self.url = url

    def entry(self, *tools: str, effects: dict[str, str] | None = None, **changes: Any) -> ToolPlan:
        """Return an entry that names some of the server's tools."""
        where = {"url": self.url} if self.url else {"command": (sys.executable, TRACKER, str(self.log), "stdio")}
        declared = {name: READS.get(name, "write") for name in tools} if effects is None else effects
        return ToolPlan.model_validate({"mcp": {**where, "tools": tools, "effects": declared}, **changes})

    def tools(self, entry: ToolPlan, secrets: dict[str, str] | None = None) -> Tools:
        """Return the tools of a plan with one server, `desk`."""
        return Tools(Plan(plan="p", tools={"desk": entry}, secrets=tuple(secrets or ())), secrets=EnvironmentSecrets(secrets or {}))

    def lines(self, word: str) -> list[str]:
        """Return what the server noted."""
        return [line for line in self.log.read_text(encoding="utf-8").splitlines() if line.startswith(word)]


@pytest.fixture(params=["stdio", "http"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A server reached either way."""
    if request.param == "stdio":
        yield Desk(tmp_path, None)
        return
    with ServerProcess(sys.executable, TRACKER, str(tmp_path / "log"), "http") as served:
        yield Desk(tmp_path, f"{served.url}/mcp")


@pytest.fixture
def process(tmp_path: Path) -> Desk:
    """A server that is a process of ours."""
    return Desk(tmp_path, None)


def call(tools: Tools, name: str, arguments: Any, boundary: MemoryBoundary | None = None) -> Any:
    """Call a tool once."""
    return asyncio.run(tools.call(boundary or MemoryBoundary(), f"desk.{name}", arguments, parent="p"))


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    """Return whether a process has ended."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_a_tool_of_a_server_is_offered_and_called(desk: Desk) -> None:
    """Its schema and its description are the server's; its name has no dot for models; results are JSON."""
    with closing(desk.tools(desk.entry("search", "create_issue"))) as tools:
        offered = tools.interface("desk.search")
        assert (offered.name, offered.description) == ("desk_search", "Find issues.")
        assert set(offered.schema["properties"]) == {"query", "limit"}
        assert call(tools, "search", {"query": "mug", "limit": 2}) == {"result": ["mug 0", "mug 1"]}
        assert call(tools, "create_issue", {"title": "torn"}) == {"number": 4, "title": "torn"}
        assert (tools.writes("desk.search"), tools.writes("desk.create_issue")) == (False, True)


def test_the_idempotency_key_goes_along_and_is_the_calls_own(desk: Desk) -> None:
    """Equal for attempts and resumes of one call; another call has another."""
    with closing(desk.tools(desk.entry("create_issue"))) as tools:
        for boundary in (MemoryBoundary(), MemoryBoundary()):
            call(tools, "create_issue", {"title": "one"}, boundary)
            call(tools, "create_issue", {"title": "one"}, boundary)
    keys = [line.split()[-1] for line in desk.lines("create")]
    assert keys[:2] == keys[2:]
    assert len(set(keys)) == 2
    assert all(len(key) == 32 for key in keys)


def test_what_is_wrong_with_a_question_is_told_and_not_sent(desk: Desk) -> None:
    """Class semantic: a model can do better. What the tool itself refuses is one too."""
    with closing(desk.tools(desk.entry("search", "fail"))) as tools:
        for wrong, words in (({}, "'query' is a required property"), ({"query": 3}, "query: 3 is not of type 'string'")):
            with pytest.raises(Semantic, match=words):
                call(tools, "search", wrong)
        with pytest.raises(Semantic, match="no such shelf"):
            call(tools, "fail", {"reason": "no such shelf"})
    assert not desk.lines("search")


@pytest.mark.parametrize(
    ("tools", "effects", "words"),
    [
        (("search", "serch"), {"search": "read", "serch": "read"}, "has no tool serch"),
        (("search",), {"search": "read", "fail": "read"}, "doesn't list it under tools"),
        (("create_issue",), {"create_issue": "read"}, "is declared read, and its server says that it changes something"),
    ],
)
def test_a_server_that_is_not_what_the_spec_says_is_refused(
    desk: Desk, tools: tuple[str, ...], effects: dict[str, str], words: str
) -> None:
    """Names that it lacks, effects of what isn't listed, effects that it contradicts; nothing was called."""
    with closing(desk.tools(desk.entry(*tools, effects=effects))) as made, pytest.raises(Refused, match=words):
        made.interface(f"desk.{tools[0]}")
    assert desk.lines("started")


def test_a_tool_that_its_server_doesn_t_call_idempotent_isn_t_repeated_as_if_it_were(desk: Desk) -> None:
    """`idempotent: true` is a promise, and the server says otherwise."""
    with closing(desk.tools(desk.entry("create_issue", idempotent=True))) as made, pytest.raises(Refused, match="declared idempotent"):
        made.interface("desk.create_issue")


def test_a_late_answer_is_a_time_out_and_the_server_goes_on(desk: Desk) -> None:
    """Class network; what comes later belongs to nobody, and the next call is answered."""
    with closing(desk.tools(desk.entry("slow", "search", timeout="4s", on_failure={"network": {"attempts": 1}}))) as tools:
        tools.interface("desk.slow")
        with pytest.raises(Network, match=r"took longer than 4s"):
            call(tools, "slow", {"seconds": 60})
        assert call(tools, "search", {"query": "a", "limit": 1}) == {"result": ["a 0"]}


def test_calls_of_a_server_run_at_once(desk: Desk) -> None:
    """Each of five is answered only once all five are under way."""
    with closing(desk.tools(desk.entry("together"))) as tools:
        tools.interface("desk.together")

        async def go() -> list[Any]:
            boundary = MemoryBoundary()
            return await asyncio.gather(*(tools.call(boundary, "desk.together", {"count": 5}, parent="p") for _ in range(5)))

        assert asyncio.run(go()) == [{"result": "late"}] * 5


def test_a_tool_that_the_server_takes_away_is_missed_clearly(desk: Desk) -> None:
    """Not a semantic failure: no model can mend that."""
    with closing(desk.tools(desk.entry("shrink", "search"))) as tools:
        call(tools, "shrink", {})
        with pytest.raises(CallableError, match="no longer has the tool search"):
            call(tools, "search", {"query": "a"})


def test_a_server_that_dies_in_a_call_is_started_again_where_that_is_safe(process: Desk) -> None:
    """A read is tried three times, class crashed; its last words are told."""
    with closing(process.tools(process.entry("die"))) as tools:
        assert call(tools, "die", {"times": 2}) == {"result": "alive"}
        assert len(process.lines("started")) == 3
    with closing(process.tools(process.entry("die"))) as tools, pytest.raises(Crashed, match=r"its server ended.*broken heart"):
        call(tools, "die", {"times": 99})


def test_a_write_whose_server_dies_in_the_call_is_not_repeated(process: Desk) -> None:
    """Nobody knows whether it happened.

    Broken variant: a crash of the server is tried again whatever the tool does to the world.
    """
    with closing(process.tools(process.entry("die", effects={"die": "write"}))) as tools, pytest.raises(Crashed):
        call(tools, "die", {"times": 99})
    assert len(process.lines("die")) == 1


def test_what_a_server_is_given_stands_in_its_environment(process: Desk) -> None:
    """`with` of a command: variables, secrets too; nothing else of ours is handed on."""
    entry = process.entry("environment", **{"with": {"TOKEN": "$secrets.KEY", "PLAIN": "words"}})
    with closing(process.tools(entry, {"KEY": "sk-1"})) as tools:
        seen = [call(tools, "environment", {"name": name})["result"] for name in ("TOKEN", "PLAIN", "PYTEST_CURRENT_TEST")]
    assert seen == ["sk-1", "words", "unset"]


def test_a_server_that_can_t_be_started_or_reached_is_refused() -> None:
    """Before anything is paid for, with its last words."""
    for where, words in (
        ({"command": ("/no/such/program",)}, "can't be reached.*No such file"),
        ({"command": (sys.executable, "-c", "import sys; sys.exit('my database is away')")}, "my database is away"),
        ({"url": "http://127.0.0.1:1/mcp"}, "can't be reached"),
    ):
        entry = ToolPlan.model_validate({"mcp": {**where, "tools": ("a",), "effects": {"a": "read"}}})
        made = Tools(Plan(plan="p", tools={"desk": entry}), secrets=EnvironmentSecrets({}))
        with closing(made), pytest.raises(Refused, match=words):
            made.interface("desk.a")


def test_with_the_run_the_server_ends_and_all_that_it_started(process: Desk) -> None:
    """Also a process that it sent into a session of its own."""
    with closing(process.tools(process.entry("leave_child"))) as tools:
        child = call(tools, "leave_child", {})["result"]
        [started] = process.lines("started")
        server = int(started.split()[1])
        assert not is_gone(server)
        assert not is_gone(child)
    assert within(10, lambda: is_gone(server) and is_gone(child))


KILLED = """
import asyncio, sys, time
from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.perform.tools import Tools
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.testing import MemoryBoundary
command = (sys.executable, sys.argv[1], sys.argv[2], "stdio")
named = ("leave_child", "slow")
entry = ToolPlan.model_validate({"mcp": {"command": command, "tools": named, "effects": dict.fromkeys(named, "read")}})
tools = Tools(Plan(plan="p", tools={"desk": entry}), secrets=EnvironmentSecrets({}))
asyncio.run(tools.call(MemoryBoundary(), "desk.leave_child", {}, parent="p"))
asyncio.run(tools.call(MemoryBoundary(), "desk.slow", {"seconds": 600}, parent="p"))
"""


def test_no_process_is_left_when_the_owner_is_killed(process: Desk) -> None:
    """SIGKILL in the middle of a call: the server and its child end, and so does what stood around them."""
    with subprocess.Popen([sys.executable, "-c", KILLED, TRACKER, str(process.log)]) as owner:
        assert within(60, lambda: process.log.exists() and bool(process.lines("slow")))
        below = [one.pid for one in psutil.Process(owner.pid).children(recursive=True)]
        child = int(process.lines("child")[0].split()[1])
        assert len({*below, child}) >= 3
        owner.send_signal(signal.SIGKILL)
        owner.wait(30)
    assert within(20, lambda: all(map(is_gone, (*below, child))))


UNGUARDED = """
import asyncio, sys
from mcp import Client, StdioServerParameters
async def main():
    async with Client(StdioServerParameters(command=sys.executable, args=[sys.argv[1], sys.argv[2], "stdio"])) as client:
        await client.call_tool("leave_child", {})
        await client.call_tool("slow", {"seconds": 600})
asyncio.run(main())
"""


def test_without_the_guard_something_would_be_left(process: Desk) -> None:
    """The broken variant of the test above: the `mcp` package alone leaves the child behind, so that test can fail."""
    with subprocess.Popen([sys.executable, "-c", UNGUARDED, TRACKER, str(process.log)]) as owner:
        assert within(60, lambda: process.log.exists() and bool(process.lines("slow")))
        child = int(process.lines("child")[0].split()[1])
        server = int(process.lines("started")[0].split()[1])
        owner.send_signal(signal.SIGKILL)
        owner.wait(30)
    within(5, lambda: is_gone(server))
    assert not is_gone(child)
    for pid in (child, server):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_the_guard_ends_a_server_that_doesn_t_listen(tmp_path: Path) -> None:
    """A server that ignores SIGTERM and the end of its input is killed after a moment."""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    command = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), sys.executable, "-c", deaf]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as around:
        assert around.stdout is not None
        assert around.stdout.readline() == b"up\n"
        [server] = psutil.Process(around.pid).children()
        around.send_signal(signal.SIGTERM)
        assert around.wait(20) == 1
    assert is_gone(server.pid)


def test_without_the_extra_it_is_said_what_to_install() -> None:
    """A hint, not a traceback."""
    code = """
import sys
sys.modules["mcp"] = None
from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.failures import Refused
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.tools import Tools
entry = ToolPlan.model_validate({"mcp": {"command": ("x",), "tools": ("a",), "effects": {"a": "read"}}})
try:
    Tools(Plan(plan="p", tools={"desk": entry}), secrets=EnvironmentSecrets({})).interface("desk.a")
except Refused as refused:
    print(refused.message, "|", refused.help)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "MCP servers need the package mcp | pip install 'darner[mcp]'"


def test_a_server_that_never_ends_its_list_is_refused() -> None:
    """Stopping at some page would lose tools without a word."""
    from mcp import types  # noqa: PLC0415 - the package is an extra

    class Endless:
        """Names one tool a page, and always another page."""

        async def list_tools(self, *, cursor: str | None) -> types.ListToolsResult:
            at = int(cursor or 0)
            return types.ListToolsResult(tools=[types.Tool(name=f"t{at}", input_schema={})], next_cursor=str(at + 1))

    with pytest.raises(Refused, match="goes on naming tools after 100 pages"):
        asyncio.run(listed(cast("Any", Endless())))


@pytest.mark.parametrize(
    "where",
    [
        {"command": (sys.executable, "-c", "import os, sys; sys.exit('no door opens to ' + os.environ['KEY'])")},
        {"command": ("$secrets.KEY",)},
        {"url": "$secrets.KEY"},
    ],
    ids=["its last words", "its command", "its address"],
)
def test_a_server_that_can_t_be_reached_is_named_without_its_secrets(process: Desk, where: dict[str, Any]) -> None:
    """Whatever it says before it goes, and wherever a secret stands: the message masks it."""
    entry = ToolPlan.model_validate({"mcp": {**where, "tools": ["search"], "effects": {"search": "read"}}, "with": {"KEY": "$secrets.KEY"}})
    with closing(process.tools(entry, {"KEY": "ghp-hidden"})) as tools, pytest.raises(Refused, match="can't be reached") as caught:
        tools.interface("desk.search")
    assert "[secret]" in caught.value.message
    assert "ghp-hidden" not in f"{caught.value.message} {caught.value} {caught.value.help}"
