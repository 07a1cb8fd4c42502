"""Histories that are damaged on disk: a byte is flipped in what a conversation was kept as, and the run goes on before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Lock, Plan, StepPlan, ToolPlan
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.testing import ModelServer

from ..agents.world import agent
from ..hurried import Hurried
from .agents_flow import Told, ask, made
from .calls import page

LONG = "long " * 5000
"""More than what stands in the journal itself."""
CITIES = {"a": "Rome", "b": "Oslo", "c": "Lima", "d": "Bern"}


def _run(plan: Plan, server: ModelServer, folder: Path) -> Told:
    """Run a plan in a real store, or go on with it."""
    places = {name: one.model_copy(update={"base_url": server.base_url}) for name, one in plan.models.items()}
    around = Surroundings(EnvironmentSecrets({}), places, clock=Hurried())
    bound = Binding("r", plan, Lock(), {}, None, {}, str(folder / "spec.yaml"))
    return Told(run_flow(open_store(str(folder / "store")), bound, around), [])


def _flip(folder: Path, words: str) -> int:
    """Flip a byte in each kept message that holds these words; return in how many."""
    found = [
        one for one in folder.glob("store/runs/r/blobs/**/*") if one.is_file() and words in one.read_text() and "parts" in one.read_text()
    ]
    for one in found:
        content = bytearray(one.read_bytes())
        content[len(content) // 2] ^= 1
        one.chmod(0o644)
        one.write_bytes(content)
    return len(found)


def _talk(**changes: Any) -> Plan:
    steps = {name: ask(city, after=tuple(CITIES)[:number][-1:]) for number, (name, city) in enumerate(CITIES.items())}
    return made({"assistant": agent(history="run", **changes)}, steps=steps)


def _script(lima: str) -> str:
    return f"""
replies:
  - {{when: {{text: Lima}}, {lima}}}
  - {{when: {{text: 'in (?P<city>[A-Za-z]+)'}}, answer: {{text: '{{city}} is {LONG}'}}}}
"""


def _heard(server: ModelServer) -> list[list[str]]:
    """Return for each request the cities that it was asked about."""
    cities = ("Rome", "Oslo", "Lima", "Bern")
    return [
        [city for one in body["messages"] if one["role"] == "user" for city in cities if city in one["content"]] for body in server.bodies
    ]


def test_a_conversation_goes_back_to_the_last_exchange_that_can_be_read(tmp_path: Path) -> None:
    """The second of two exchanges is damaged: the third goes on after the first, the fourth after the third; the ledger tells of it."""
    with ModelServer(_script("fail: {status: 401}")) as server:
        assert _run(_talk(), server, tmp_path).status == "failed: error"
        assert _heard(server)[-1] == ["Rome", "Oslo", "Lima"]
    assert _flip(tmp_path, "Oslo is") >= 1
    with ModelServer(_script("answer: {text: dry}")) as server:
        told = _run(_talk(), server, tmp_path)
        assert _heard(server) == [["Rome", "Lima"], ["Rome", "Lima", "Bern"]]
    assert told.status == "done"
    [lost] = [one for call in told.state.calls.values() for one in call.failures if one.failure == "context"]
    assert "goes on without the last 1 of 2 exchanges" in lost.message
    assert not lost.final


def test_what_was_lost_stays_lost_whatever_becomes_of_the_bytes(tmp_path: Path) -> None:
    """Killed after it went on without the second: the bytes are mended, and a resume still asks nothing twice."""
    with ModelServer(_script("fail: {status: 401}")) as server:
        _run(_talk(), server, tmp_path)
    damaged = _flip(tmp_path, "Oslo is")
    script = _script("answer: {text: dry}").replace("replies:\n", "replies:\n  - {when: {text: Bern}, fail: {status: 401}, times: 1}\n")
    with ModelServer(script) as server:
        assert _run(_talk(), server, tmp_path).status == "failed: error"
    assert _flip(tmp_path, "Oslo is") == damaged, "the same byte once more: as it was"
    with ModelServer(_script("text: never")) as server:
        assert _run(_talk(), server, tmp_path).status == "done"
        assert _heard(server) == [["Rome", "Lima", "Bern"]]


def test_with_rewind_off_a_damaged_conversation_is_the_end(tmp_path: Path) -> None:
    """`context: {rewind: false}`: nothing is left out in silence; the class is context, and the message names what can't be read."""
    plan = _talk(on_failure={"context": {"rewind": False}})
    with ModelServer(_script("fail: {status: 401}")) as server:
        _run(plan, server, tmp_path)
    _flip(tmp_path, "Oslo is")
    with ModelServer(_script("answer: {text: dry}")) as server:
        told = _run(plan, server, tmp_path)
        assert (told.status, server.requests) == ("failed: context", 0)
    assert "can't be read" in told.reason


TOOLS = {name: ToolPlan.model_validate({"use": f"{page.__module__}:{name}", "effects": "read"}) for name in ("length", "page")}


@pytest.mark.parametrize(
    ("first", "words", "requests"),
    [(f"call: {{length: {{text: {LONG!r}}}}}", "length", 2), ("call: {page: {number: 1, lines: 2000}}", "page 1, line", 1)],
    ids=["an answer", "a result"],
)
def test_a_damaged_turn_of_a_call_under_way_is_asked_for_again(tmp_path: Path, first: str, words: str, requests: int) -> None:
    """An answer of the model, or what a reading tool gave: that turn is made anew, and the call goes on."""
    plan = made({"assistant": agent(tools=("length", "page"))}, tools=TOOLS, steps={"ask": StepPlan.model_validate(ask())})
    script = f"replies:\n  - {{when: {{turn: 1}}, {first}}}\n  - {{when: {{turn: 2}}, LAST}}\n"
    with ModelServer(script.replace("LAST", "fail: {status: 401}")) as server:
        assert _run(plan, server, tmp_path).status == "failed: error"
    damaged = [one for one in tmp_path.glob("store/runs/r/blobs/**/*") if one.is_file() and words in one.read_text()]
    for one in damaged:
        one.chmod(0o644)
        one.write_bytes(one.read_bytes()[:-3] + b"~~~")
    assert damaged
    with ModelServer(script.replace("LAST", "answer: {text: fine}")) as server:
        told = _run(plan, server, tmp_path)
        assert (told.status, server.requests) == ("done", requests)
    assert told.failures["context"] == 1


def test_a_conversation_that_was_made_shorter_stays_shorter(tmp_path: Path) -> None:
    """Later calls go on with the summary, and not with what it stands for: one summary for the whole run."""
    script = """
window: 200
replies:
  - {when: {text: '^Below is what was said'}, text: 'Rome and Oslo are long.'}
  - {when: {text: 'What was said and done before'}, answer: {text: 'short'}}
  - {when: {text: 'in (?P<city>[A-Za-z]+)'}, answer: {text: '{city} is LONG'}}
""".replace("LONG", "so-so " * 40)
    with ModelServer(script) as server:
        told = _run(_talk(), server, tmp_path)
        summaries = [body for body in server.bodies if "Summarise it" in str(body["messages"][0]["content"])]
        assert (told.status, len(summaries)) == ("done", 1)
        assert "Rome and Oslo are long" in str(server.bodies[-1]["messages"])
        assert "Rome is so-so" not in str(server.bodies[-1]["messages"])
    with ModelServer("replies: [{text: never}]") as server:
        assert _run(_talk(), server, tmp_path).status == "done"
        assert server.requests == 0
