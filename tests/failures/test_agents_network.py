"""Agents whose network fails, really: names that nobody knows, doors that are shut, connections that are reset, servers that are silent."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from darner.testing import ModelServer, TableResolver

from .agents_flow import Told, ask, made, run

FINE = "replies: [{answer: {text: fine}}]"
HERE = {"models.test": "127.0.0.1"}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve names itself."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _by_name(folder: Path, resolver: TableResolver) -> tuple[Told, int]:
    with ModelServer(FINE) as server:
        named = server.base_url.replace("127.0.0.1", "models.test")
        return run(made(), {"small": named}, folder, resolver=resolver), server.requests


def test_a_name_that_can_t_be_resolved_is_asked_for_again(tmp_path: Path) -> None:
    """Two failed attempts of class network, with waits between them; then the server is reached by its name, once."""
    resolver = TableResolver(HERE, failing=2)
    told, requests = _by_name(tmp_path, resolver)
    assert (told.status, requests) == ("done", 1)
    assert resolver.asked == ["models.test"] * 3
    assert told.failures == {"network": 2}
    assert 0 <= told.waited[0] <= 1
    assert 0 <= told.waited[1] <= 2


def test_a_name_that_nobody_knows_ends_in_network_after_five_attempts(tmp_path: Path) -> None:
    """The message names the host and what the resolver said; no request was made."""
    told, requests = _by_name(tmp_path, TableResolver({}))
    assert (told.status, requests) == ("failed: network", 0)
    assert told.failures == {"network": 6}, "five requests, and the agent that gave up"
    assert [wait <= most for wait, most in zip(told.waited, (1, 2, 4, 8), strict=True)] == [True] * 4


def test_the_system_s_own_resolver_says_that_there_is_no_such_name(tmp_path: Path) -> None:
    """`.invalid` is no name anywhere (RFC 6761): the same class without any double."""
    told = run(made(), {"small": "http://nobody.invalid:1234/v1"}, tmp_path)
    assert told.status == "failed: network"
    assert "the name nobody.invalid can't be resolved" in told.reason


def test_a_door_that_is_shut_is_knocked_at_five_times(tmp_path: Path) -> None:
    """A port that nobody listens at: connection refused, class network."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        told = run(made(), {"small": f"http://127.0.0.1:{taken.getsockname()[1]}/v1"}, tmp_path)
    assert told.status == "failed: network"
    assert len(told.waited) == 4


@pytest.mark.parametrize("params", [{}, {"stream": True}], ids=["whole", "streamed"])
@pytest.mark.parametrize("broken", ["reset", "torn", "truncated"])
def test_a_connection_that_is_reset_is_no_answer(tmp_path: Path, broken: str, params: dict[str, Any]) -> None:
    """Before the answer or in its middle, by a reset or an early end: tried again, and the answer is paid once."""
    with ModelServer(f"replies: [{{fail: {{broken: {broken}}}, times: 2}}, {{answer: {{text: fine}}}}]") as server:
        told = run(made(models={"small": {"params": params}}), server, tmp_path)
        assert server.requests == 3
    assert (told.status, told.failures, told.state.requests) == ("done", {"network": 2}, 1)


def test_a_server_that_is_silent_is_given_up_attempt_by_attempt(tmp_path: Path) -> None:
    """`timeout` bounds each attempt, not all of them together: two are cut off, the third answers."""
    script = "replies: [{answer: {text: late}, delay: 60, times: 2}, {answer: {text: fine}}]"
    with ModelServer(script) as server:
        told = run(made(steps={"ask": ask(timeout="4s")}), server, tmp_path)
        assert server.requests == 3
    assert (told.status, told.outputs) == ("done", {"ask": {"text": "fine"}})
    assert told.failures == {"network": 2}
    assert any("took longer than 4s" in one.message for call in told.state.calls.values() for one in call.failures)
