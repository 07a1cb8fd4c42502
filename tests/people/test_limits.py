"""Limits, and people: what is throttled waits outside of any process, what is used up is raised, and nothing is paid twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.events import CallFailed, CallFinished, TimerSet
from darner.runtime.idle import Idle
from darner.runtime.journal import binding
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.people import replies
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.world import SystemClock
from darner.testing import ModelServer

from .office import Office

STEPS = '''
"""An atelier whose tools write down what they do."""

import asyncio
from pathlib import Path

from pydantic import BaseModel

from darner import Call, Network


class Task(BaseModel):
    what: str


class Done(BaseModel):
    text: str


def note(log: str, line: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(line + "\\n")


def look(what: str, log: str) -> str:
    note(log, f"look {what}")
    return f"{what} is blue"


def paint(what: str, log: str) -> str:
    note(log, f"paint {what}")
    return f"{what} is red"


def paint_badly(what: str, log: str) -> str:
    note(log, f"paint {what}")
    raise Network("the line broke after it was sent")


def lose(what: str, log: str) -> str:
    note(log, f"lose {what}")
    raise Network("the line broke before it was sent")


def was_painted(what: str, log: str) -> str | None:
    """Look into the log, as into the other side's books."""
    note(log, f"asked {what}")
    lines = Path(log).read_text(encoding="utf-8").splitlines()
    return f"{what} was red" if f"paint {what}" in lines else None


def five() -> list[str]:
    return ["a", "b", "c", "d", "e"]


async def ask_three(whats: list[str], look: Call[str, str]) -> list[str]:
    return [await look(what) for what in whats]
'''
PARAMS = "params:\n  log: {type: str}\n"
MODELS = 'models:\n  small: {{use: "openai:scripted", base_url: "{url}"{model}}}\n'


class Clock(SystemClock):
    """The machine's clock, so many seconds later."""

    def __init__(self, later: float) -> None:
        self.later = later

    def now(self) -> float:
        """Return seconds since 1970, UTC."""
        return super().now() + self.later


class Atelier:
    """Specs that are run against a scripted server."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.folder = folder
        (folder / "atelier_steps.py").write_text(STEPS, encoding="utf-8")

    def run(self, server: ModelServer | None, body: str, *, model: str = "") -> int:
        """Run a spec and return the exit code."""
        models = "" if server is None else MODELS.format(url=server.base_url, model=model)
        is_logged = "$params.log" in body
        spec = self.folder / "atelier.yaml"
        spec.write_text("darner: 1\nname: atelier\n" + (PARAMS if is_logged else "") + models + body, encoding="utf-8")
        return self.office("run", str(spec), *(["--set", f"log={self.office.log}"] if is_logged else []), "--run", "r1", "--json")


@pytest.fixture
def atelier(office: Office, tmp_path: Path) -> Atelier:
    return Atelier(office, tmp_path)


PAINTER = """
tools:
  look: {use: atelier_steps:look, effects: read, with: {log: $params.log}}
  paint: {use: atelier_steps:paint, effects: write, idempotent: true, with: {log: $params.log}}
humans:
  boss: {ask: "{{ step }}: {{ message }}"}
agents:
  painter:
    model: small
    prompt: Paint the {{ what }}.
    input: atelier_steps:Task
    output: atelier_steps:Done
    tools: [look, paint]
    limits: {turns: 2}
flow:
  steps:
    work: {use: painter, with: {what: door}, on_failure: {exhausted: {ask: boss}}}
  outputs: $work
"""
TURNS = """
replies:
  - {when: {turn: 1}, call: {look: {what: door}}}
  - {when: {turn: 2}, call: {paint: {what: door}}}
  - {when: {turn: 3}, answer: {text: painted}}
"""


def test_a_limit_that_a_person_raises_lets_the_agent_go_on_where_it_stopped(atelier: Atelier) -> None:
    """Three requests in all, as if there had been no limit; each tool once; the person saw what it had cost."""
    office = atelier.office
    with ModelServer(TURNS) as server:
        assert atelier.run(server, PAINTER) == 3, office.err
        [asked] = office.json()["questions"]
        assert "limits.turns: 2 of 2" in asked["text"]
        assert asked["shown"]["tokens"] > 0
        assert (server.requests, office.effects) == (2, ["look door", "paint door"])
        assert office("answer", "r1", 'raise {"turns": 5}', "--resume", "--json") == 0, office.err
        assert office.json()["outputs"] == {"text": "painted"}
        assert (server.requests, office.effects) == (3, ["look door", "paint door"])


def test_a_limit_that_is_raised_too_little_is_asked_about_once_more(atelier: Atelier) -> None:
    """A hint gives no turn: nobody is asked before there is one, and then behind all that is paid; no tool is called twice."""
    office = atelier.office
    with ModelServer(TURNS) as server:
        assert atelier.run(server, PAINTER.replace("{turns: 2}", "{turns: 1}")) == 3, office.err
        assert office("answer", "r1", 'raise {"turns": 2}', "--resume", "--json") == 3, office.err
        assert "limits.turns: 2 of 2" in office.json()["questions"][0]["text"]
        assert server.requests == 2
        assert office("answer", "r1", "retry use less paint") == 0
        assert office("answer", "r1", "retry once more") == 2
        assert office("resume", "r1", "--json") == 3, office.err
        assert (server.requests, office.effects) == (2, ["look door", "paint door"])
        assert office("answer", "r1", 'raise {"turns": 3}', "--resume", "--json") == 0, office.err
        assert (server.requests, office.effects) == (3, ["look door", "paint door"])
        assert "use less paint" in json.dumps(server.bodies[-1])


COUNTED = """
tools:
  look: {use: atelier_steps:look, effects: read, with: {log: $params.log}}
humans:
  boss: {ask: "{{ message }}"}
flow:
  steps:
    work: {use: atelier_steps:ask_three, with: {whats: [a, b, c]}, calls: [look], limits: {calls: 2}, on_failure: {exhausted: {ask: boss}}}
  outputs: $work
"""


def test_calls_of_plain_python_that_are_raised_go_on_without_a_second_one_of_any(atelier: Atelier) -> None:
    """Two calls are on record and served; the third is new."""
    office = atelier.office
    assert atelier.run(None, COUNTED) == 3, office.err
    assert "limits.calls: 2" in office.json()["questions"][0]["text"]
    assert office("answer", "r1", 'raise {"calls": 3}', "--resume", "--json") == 0, office.err
    assert office.json()["outputs"] == ["a is blue", "b is blue", "c is blue"]
    assert office.effects == ["look a", "look b", "look c"]


TALKER = """
agents:
  talker: {model: small, prompt: "Say {{ what }}.", input: "atelier_steps:Task", output: "atelier_steps:Done", limits: {time: 5s}}
flow:
  steps:
    said: {use: talker, with: {what: hello}}
  outputs: $said
"""


@pytest.mark.parametrize("as_date", ["false", "true"])
def test_a_run_that_is_throttled_for_long_is_parked_until_then(atelier: Atelier, as_date: str) -> None:
    """Exit 3 with the time, not an hour in a process; woken when it is due, never before; the wait used up no time of the agent."""
    office = atelier.office
    script = f"replies: [{{fail: {{status: 429, retry_after: 3600, as_date: {as_date}}}, times: 1}}, {{answer: {{text: hello}}}}]"
    with ModelServer(script) as server:
        before = SystemClock().now()
        assert atelier.run(server, TALKER) == 3, office.err
        told = office.json()
        assert (told["status"], told["questions"], server.requests) == ("waiting", [], 1)
        assert before + 3590 < told["due"] < SystemClock().now() + 3601
        assert office("resume", "--due", "--json") == 0
        assert office.json() == {"resumed": []}
        assert office("resume", "r1", "--json") == 3
        assert (office.json()["due"], server.requests) == (told["due"], 1)
        store, later = open_store(office.store), Clock(3700)
        assert list(replies.due_runs(store, later)) == ["r1"]
        state = run_flow(store, binding.load(store, "r1"), Surroundings(EnvironmentSecrets({}), clock=later))
        assert state.finished is not None
        assert (state.finished.status, state.finished.outputs, server.requests) == ("done", {"text": "hello"}, 2)
    assert len([one for one in office.events() if isinstance(one, TimerSet)]) == 1
    assert state.ledger.of("said").worked(later.now(), state.epoch) < 60
    assert state.waits.pending == []


def test_a_time_out_counts_from_when_an_attempt_may_begin(atelier: Atelier) -> None:
    """Five requests of which one at a time is allowed: the last waits longer than its time-out, and doesn't time out."""
    office = atelier.office
    mapped = "five: {use: 'atelier_steps:five'}\n    said: {use: talker, with: {what: $item}, timeout: 7s, map: {over: $five}}"
    body = TALKER.replace("said: {use: talker, with: {what: hello}}", mapped)
    with ModelServer("replies: [{answer: {text: hello}, delay: 2}]") as server:
        assert atelier.run(server, body.replace("time: 5s", "time: 7s"), model=", rate: {concurrency: 1}") == 0, office.err
        assert server.requests == 5
    assert [one for one in office.events() if isinstance(one, CallFailed)] == []


def test_what_a_model_s_own_rate_puts_off_for_long_is_parked_too(atelier: Atelier) -> None:
    """One request an hour: the first is answered, the second waits outside of any process."""
    body = TALKER.replace("said: {use: talker", "said: {use: talker, with: {what: hello}}\n    more: {after: [said], use: talker")
    with ModelServer("replies: [{answer: {text: hello}}]") as server:
        assert atelier.run(server, body, model=", rate: {requests: 1/h}") == 3, atelier.office.err
        told = atelier.office.json()
        assert (told["questions"], server.requests) == ([], 1)
        assert SystemClock().now() + 3000 < told["due"] < SystemClock().now() + 3601


TWO = """
tools:
  paint: {use: atelier_steps:paint, effects: write, idempotent: true, approval: boss, with: {log: $params.log}}
humans:
  boss: {ask: "May the {{ what }} be painted?"}
agents:
  painter:
    model: small
    prompt: Paint the {{ what }}.
    input: atelier_steps:Task
    output: atelier_steps:Done
    tools: [paint]
    limits: {time: 4s}
  talker: {model: small, prompt: "Say {{ what }}.", input: "atelier_steps:Task", output: "atelier_steps:Done", limits: {time: 10s}}
flow:
  steps:
    work: {use: painter, with: {what: door}}
    said: {use: talker, with: {what: hello}}
  outputs: {work: $work, said: $said}
"""


@pytest.mark.soak
def test_of_two_branches_one_waits_for_a_person_and_the_other_s_limit_ends_it(atelier: Atelier) -> None:
    """The clock of who waits stands still, longer than it has; the clock of who works goes on."""
    office = atelier.office
    script = """
    replies:
      - {when: {text: "Say"}, answer: {text: late}, delay: 30}
      - {when: {result: paint}, answer: {text: painted}}
      - {call: {paint: {what: door}}}
    """
    with ModelServer(script) as server:
        assert atelier.run(server, TWO) == 3, office.err
        failed = {path: one.reason for path, one in office.state().steps.items() if one.kind == "failed"}
        assert list(failed) == ["said"]
        assert "has used up its limits.time: 10s" in failed["said"]
        assert [one["about"] for one in office.json()["questions"]] == ["approval"]
        requests = server.requests
        server.script = ModelServer("replies: [{when: {text: Say}, answer: {text: hello}}, {answer: {text: painted}}]").script
        assert office("answer", "r1", "approve", "--resume", "--json") == 0, office.err
        assert office.json()["outputs"] == {"work": {"text": "painted"}, "said": {"text": "hello"}}
        assert server.requests == requests + 2
    assert office.effects == ["paint door"]


def test_a_write_that_is_tried_again_much_later_doesn_t_hold_its_process(atelier: Atelier) -> None:
    """A back-off of an hour of what plain Python calls: parked like any other long wait, though it is a write's."""
    office = atelier.office
    body = COUNTED.replace(
        "look: {use: atelier_steps:look, effects: read,", "look: {use: atelier_steps:lose, effects: write, idempotent: true,"
    )
    network = "network: {attempts: 2, backoff: 1000h..1000h}"
    assert atelier.run(None, body.replace("exhausted: {ask: boss}", f"exhausted: {{ask: boss}}, {network}")) == 3, office.err
    assert office.json()["questions"] == []
    assert office.json()["due"] > SystemClock().now() + 60
    assert office.effects == ["lose a"]
    assert office("resume", "r1") == 3
    assert office.effects == ["lose a"]


WRITE = """
tools:
  paint: {use: "atelier_steps:TOOL", effects: write, reconcile: "atelier_steps:was_painted", with: {log: $params.log}}
flow:
  steps:
    work: {use: paint, with: {what: door}, on_failure: {network: {attempts: 3, backoff: 1s..1s}}}
  outputs: $work
"""


def test_a_write_that_breaks_off_in_a_living_process_is_looked_up_before_anything_else(atelier: Atelier) -> None:
    """It happened: its `reconcile` gives the result, and it isn't done once more."""
    office = atelier.office
    assert atelier.run(None, WRITE.replace("TOOL", "paint_badly")) == 0, office.err
    assert office.json()["outputs"] == "door was red"
    assert office.effects == ["paint door", "asked door"]
    [failed] = [one for one in office.events() if isinstance(one, CallFailed)]
    assert (failed.failure, failed.final) == ("network", False)
    assert len([one for one in office.events() if isinstance(one, CallFinished)]) == 1


def test_a_write_that_is_known_not_to_have_happened_is_tried_as_often_as_its_policy_says(atelier: Atelier) -> None:
    """Looked up after each attempt; then the failure is the step's, and a resume looks first."""
    office = atelier.office
    assert atelier.run(None, WRITE.replace("TOOL", "lose")) == 1, office.err
    assert office.effects == ["lose door", "asked door"] * 3
    assert "the line broke before it was sent" in office.json()["error"]
    assert office("resume", "r1", "--json") == 1
    assert office.effects[6] == "asked door"


def test_a_person_is_asked_at_once_about_a_write_that_broke_off(atelier: Atelier) -> None:
    """A write behind an approval and without a `reconcile`: its desk says whether it happened."""
    office = atelier.office
    body = WRITE.replace("TOOL", "paint_badly").replace('reconcile: "atelier_steps:was_painted"', "approval: boss")
    assert atelier.run(None, body.replace("flow:", 'humans:\n  boss: {ask: "May it be painted?"}\nflow:')) == 3, office.err
    assert office("answer", "r1", "approve", "--resume", "--json") == 3, office.err
    [asked] = office.json()["questions"]
    assert asked["about"] == "reconcile"
    assert office.effects == ["paint door"]
    assert office("answer", "r1", 'done "it is red"', "--resume", "--json") == 0, office.err
    assert office.json()["outputs"] == "it is red"
    assert office.effects == ["paint door"]


def test_limits_of_time_stand_still_as_long_as_anything_below_them_waits() -> None:
    """Two questions at once below one limit: it goes on when the second is over, and not before."""

    async def go() -> Any:
        idle = Idle()
        async with asyncio.timeout(0.3) as clock:
            with idle.bounded(clock, "agent"), idle.working("one", "agent"), idle.working("two", "agent"), idle.working("other", "step"):
                with idle.undecided("other"):
                    assert clock.when() is not None
                with idle.undecided("one"):
                    with idle.undecided("two"):
                        await asyncio.sleep(0)
                    assert clock.when() is None
                assert clock.when() is not None

    asyncio.run(go())
