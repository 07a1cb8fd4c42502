"""What servers' errors mean, one by one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import closing
from email.utils import formatdate
from pathlib import Path

import pytest

from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.failures import CallableError, Crashed, Failure, Network, Semantic, Throttled
from darner.runtime.perform.mcp import meanings
from darner.runtime.perform.mcp.connection import Refusal
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.tools import Tools
from darner.testing import ServerProcess

from .test_servers import TRACKER, call

mcp = pytest.importorskip("mcp")
NOW = 1_800_000_000.0


def meaning(error: BaseException, *refusals: Refusal, is_process: bool = False) -> Failure:
    """Return what an error means."""
    return meanings.failure_of("gh.create", error, refusals, is_process=is_process, words="ouch", now=NOW)


@pytest.mark.parametrize(
    ("status", "later", "kind", "wait"),
    [
        (429, "7", Throttled, 7.0),
        (429, formatdate(NOW + 90, usegmt=True), Throttled, 90.0),
        (503, None, Throttled, None),
        (429, "soon", Throttled, None),
        (500, None, Network, None),
        (401, None, CallableError, None),
        (404, None, CallableError, None),
    ],
)
def test_what_http_says_decides(status: int, later: str | None, kind: type[Failure], wait: float | None) -> None:
    """Retry-After in seconds and as a date (temporalio parses it with `float()`, and fails on dates)."""
    found = meaning(RuntimeError("no"), Refusal(status, {} if later is None else {"retry-after": later}))
    assert type(found) is kind
    assert found.retry_after == wait


@pytest.mark.parametrize(
    ("code", "is_process", "kind"),
    [
        (-32000, True, Crashed),
        (-32000, False, Network),
        (-32001, False, Network),
        (-32602, False, Semantic),
        (-32603, False, CallableError),
    ],
)
def test_what_the_protocol_says_decides(code: int, kind: type[Failure], *, is_process: bool) -> None:
    """Also inside the groups that task groups make of an exception."""
    error = mcp.MCPError(code, "no")
    assert type(meaning(error, is_process=is_process)) is kind
    assert type(meaning(ExceptionGroup("g", [ExceptionGroup("h", [error])]), is_process=is_process)) is kind


def test_a_server_behind_a_url_that_dies_in_a_call_is_class_network(tmp_path: Path) -> None:
    """And when it is back, the next call reaches it."""
    log = tmp_path / "log"
    with ServerProcess(sys.executable, TRACKER, str(log), "http") as served:
        entry = ToolPlan.model_validate(
            {
                "mcp": {"url": f"{served.url}/mcp", "tools": ("slow", "search"), "effects": {"slow": "read", "search": "read"}},
                "on_failure": {"network": {"attempts": 1}},
            }
        )
        with closing(Tools(Plan(plan="p", tools={"desk": entry}), secrets=EnvironmentSecrets({}))) as tools:
            tools.interface("desk.slow")
            threading.Thread(target=_kill_when_asked, args=(served, log), daemon=True).start()
            with pytest.raises(Network):
                call(tools, "slow", {"seconds": 60})
            port = served.url.rpartition(":")[2]
            with subprocess.Popen([sys.executable, TRACKER, str(log), "http", port], stderr=subprocess.DEVNULL) as again:
                deadline = time.monotonic() + 60
                while True:
                    try:
                        found = call(tools, "search", {"query": "a", "limit": 1})
                    except Network:
                        assert time.monotonic() < deadline
                        time.sleep(0.2)
                    else:
                        break
                assert found == {"result": ["a 0"]}
                again.kill()


def _kill_when_asked(served: ServerProcess, log: Path) -> None:
    while "slow" not in log.read_text(encoding="utf-8"):
        time.sleep(0.05)
    served.stop()
