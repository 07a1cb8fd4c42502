"""What `darner limits` shows of the limits that runs share, and what it forgets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import AgentPlan, ModelPlan, Plan
from darner.runtime.cli.main import run as darner
from darner.runtime.limiter import Limits
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.limits.folder import SETTING
from darner.runtime.perform.limits.shared import SharedFile
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.unrecorded import UnrecordedBoundary
from darner.runtime.perform.world import SystemClock
from darner.testing import MemoryBoundary, ModelServer

FINE = "replies: [{text: fine}]"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Share in a folder of this test's own."""
    monkeypatch.setenv(SETTING, str(tmp_path / "limits"))
    return tmp_path / "limits"


def _agents(entry: dict[str, Any], run: str, secrets: dict[str, str] | None = None) -> Agents:
    model = ModelPlan.model_validate({"use": "openai:small-1"} | entry)
    agent = AgentPlan(model="small", prompt="{{ input }}", input="str", output="str")
    plan = Plan(plan="p", models={"small": model}, agents={"talker": agent}, secrets=tuple(secrets or ()))
    return Agents(plan, prompts={}, secrets=EnvironmentSecrets(secrets or {}), run=run)


def _ask(entry: dict[str, Any], *words: str, run: str = "r1", secrets: dict[str, str] | None = None) -> None:
    async def go() -> None:
        async with _agents(entry, run, secrets) as agents:
            for word in words:
                await agents.call(MemoryBoundary(), "talker", word, parent=word)

    asyncio.run(go())


def _look(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert darner(["limits", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)["limits"]


def test_it_tells_each_model_with_what_is_declared_and_used(capsys: pytest.CaptureFixture[str]) -> None:
    """By the names of the spec, each account by itself; for people in lines."""
    with ModelServer(FINE) as server:
        rate = {"requests": "600/min", "tokens": "90000/min", "concurrency": 4}
        _ask({"base_url": server.base_url, "rate": rate}, "a", "b")
        _ask({"base_url": server.base_url, "use": "openai:other"}, "c")
    other, small = _look(capsys)
    assert (small["model"], small["host"], small["declared"]) == ("openai:small-1", "127.0.0.1", rate)
    assert (small["free"], small["under_way"], small["begun"], small["refused"], small["waiting"]) == (4, 0, 2, 0, {})
    assert 0 < small["per_minute"] <= 600
    assert (other["model"], other["per_minute"], other["free"], other["begun"]) == ("openai:other", None, None, 1)
    assert darner(["limits"]) == 0
    shown = capsys.readouterr().out
    assert "openai:small-1 at 127.0.0.1" in shown
    assert "declared: 600/min requests, 90000/min tokens, 4 at once" in shown
    assert "declared: nothing" in shown


def test_it_tells_who_is_under_way_and_who_waits_and_takes_nobody_s_place(capsys: pytest.CaptureFixture[str]) -> None:
    """One place, two runs: while one has it, the other waits, and looking changes nothing of that."""
    with ModelServer("replies: [{text: fine, delay: 1.5}]") as server:
        entry = {"base_url": server.base_url, "rate": {"concurrency": 1}}

        async def go() -> list[Any]:
            async with _agents(entry, "first") as one, _agents(entry, "second") as other:
                has_it = asyncio.ensure_future(one.call(MemoryBoundary(), "talker", "a", parent="a"))
                while not server.requests:  # noqa: ASYNC110 - what a server in a thread has seen is no event of this loop
                    await asyncio.sleep(0.01)
                waits = asyncio.ensure_future(other.call(MemoryBoundary(), "talker", "b", parent="b"))
                await asyncio.sleep(0.3)
                seen = [_look(capsys)[0] for _ in range(3)]
                assert server.requests == 1
                await asyncio.gather(has_it, waits)
                return seen

        for one in asyncio.run(go()):
            assert (one["under_way"], one["free"], list(one["waiting"])) == (1, 0, ["second"])
    [after] = _look(capsys)
    assert (after["under_way"], after["free"], after["waiting"], after["begun"]) == (0, 1, {}, 2)


def test_what_was_learnt_is_forgotten_when_somebody_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal with a long wait; the account is raised; then the next request begins at once, and what is declared stays."""
    with ModelServer("replies: [{fail: {status: 429, retry_after: 40}, times: 1}, {text: fine}]") as server:
        entry = {"base_url": server.base_url, "rate": {"requests": "6000/min"}}

        async def refused() -> None:
            async with _agents(entry, "r1") as agents:
                call = asyncio.ensure_future(agents.call(UnrecordedBoundary(SystemClock()), "talker", "a", parent="a"))
                while not (known := _look(capsys)) or not known[0]["refused"]:  # noqa: ASYNC110 - another process would look, too
                    await asyncio.sleep(0.05)
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)

        asyncio.run(refused())
        [before] = _look(capsys)
        assert (before["refused"], before["learnt_per_minute"] is not None) == (1, True)
        assert before["next_in"] > 0
        assert before["paused_for"] > 0
        [after] = _look(capsys, "--forget", "openai:small-1")
        assert (after["learnt_per_minute"], after["next_in"], after["paused_for"]) == (None, 0, 0)
        assert after["declared"] == before["declared"]
        assert after["begun"] == before["begun"]
        _ask(entry, "b")
    assert darner(["limits", "--forget", after["key"][:8]]) == 0
    assert "forgot what was learnt of openai:small-1" in capsys.readouterr().err


def test_what_nobody_knows_is_not_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is wrong is said, with one that was meant."""
    with ModelServer(FINE) as server:
        _ask({"base_url": server.base_url}, "a")
    assert darner(["limits", "--forget", "openai:smal-1"]) == 2
    assert "openai:small-1" in capsys.readouterr().err


def test_no_secret_is_written_beside_the_limits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a key, and not an address that is one."""
    with ModelServer(FINE) as server:
        secrets = {"WHERE": server.base_url, "KEY": "k-12345"}
        _ask({"base_url": "$secrets.WHERE", "secret": "KEY"}, "a", secrets=secrets)
    [told] = _look(capsys)
    assert (told["model"], told["host"]) == ("openai:small-1", "$secrets.WHERE")
    kept = b"".join(one.read_bytes() for one in folder.iterdir())
    assert b"127.0.0.1" not in kept
    assert b"k-12345" not in kept


def test_what_another_darner_keeps_is_shown_without_a_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files without one, places and whatever else lies there do no harm; a folder that can't be used is said."""
    folder.mkdir(mode=0o700)
    SharedFile(folder / ("a" * 32)).change(lambda _: (Limits(begun=3), None))
    (folder / "notes.txt").write_text("hello")
    [told] = _look(capsys)
    assert (told["model"], told["begun"], told["declared"]) == ("", 3, {"requests": None, "tokens": None, "concurrency": None})
    folder.chmod(0o777)
    assert darner(["limits"]) == 2
    assert "DARNER_LIMITS" in capsys.readouterr().err


def test_a_number_of_machines_that_is_none_is_refused_before_anything_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, and no run: it is a mistake of who starts the command, not of a step.

    (The first step with a model failed of it, after others had been paid for.)
    """
    hello, store = Path(__file__).parents[2] / "specs" / "hello", tmp_path / "store"
    words = ["run", str(hello), "-i", "city=Paris", "--target", "scripted", "--store", str(store), "--run", "r1"]
    for said in ("x", "0", "-1", "2.5"):
        monkeypatch.setenv("DARNER_MACHINES", said)
        assert darner(words) == 2
        assert not store.exists() or darner(["show", "r1", "--store", str(store)]) == 2
    monkeypatch.setenv("DARNER_MACHINES", "2")
    assert darner(words) == 0
