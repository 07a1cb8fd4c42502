"""Agents over real HTTP: what they ask for, what they accept, when they stop."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from darner.runtime import keys
from darner.runtime.failures import CallableError, Exhausted, Failure, Refused, Semantic
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.unrecorded import UnrecordedBoundary
from darner.testing import MemoryBoundary, ModelServer, NoWaiting, Recorded

from .world import HERE, agent, model, plan, run, tool

LOOK_UP = """
replies:
  - {when: {turn: 1}, call: {stock: {item: mug}}}
  - {when: {result: stock}, answer: {text: "there are {result.count} of {result.item}"}}
"""
STOCK = {"stock": tool("stock")}


def test_an_agent_calls_its_tool_and_answers() -> None:
    """Two requests; the second holds the tool's result."""
    ran = run(LOOK_UP, tools=STOCK)
    assert ran.output == {"text": "there are 3 of mug"}
    assert ran.requests == 2
    assert [request.kind for request in ran.boundary.performed] == ["agent", "model", "tool", "model"]


def test_a_model_sees_the_prompt_and_the_tools_and_nothing_else() -> None:
    """No framework text is put around a user's prompt."""
    body = run(LOOK_UP, tools=STOCK).bodies[0]
    assert body["messages"] == [{"role": "user", "content": "What is the weather in Paris?"}]
    assert [one["function"]["name"] for one in body["tools"]] == ["stock", "final_result"]


def test_calls_hang_below_the_call_of_the_agent() -> None:
    """Identity is by parent: two calls of one agent never share a model call."""
    performed = run(LOOK_UP, tools=STOCK).boundary.performed
    assert performed[0].parent == "reply"
    assert len({request.parent for request in performed[1:]}) == 1
    assert performed[1].parent != "reply"


def test_the_same_conversation_at_another_time_asks_the_same() -> None:
    """Times and generated ids are no part of what identifies a request; otherwise nothing would ever be served."""
    first, second = (run(LOOK_UP, tools=STOCK).boundary.asked for _ in range(2))
    assert [keys.identity(one, 0) for one in first] == [keys.identity(one, 0) for one in second]


@pytest.mark.parametrize("kept", range(5))
def test_what_was_recorded_is_served_and_never_paid_again(kept: int) -> None:
    """A run that died after any record goes on from there: requests are those that were missing."""
    whole = run(LOOK_UP, tools=STOCK).boundary.recorded.results
    assert len(whole) == 4
    again = run(LOOK_UP, tools=STOCK, recorded=Recorded(dict(list(whole.items())[:kept])))
    assert again.output == {"text": "there are 3 of mug"}
    assert again.requests == [2, 1, 1, 0, 0][kept]
    assert again.boundary.count("tool") == [1, 1, 0, 0, 0][kept]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("answer: {txet: fine}", "Field required"),
        ("answer: {text: x}", "at least 2 characters"),
        ("text: just words", "tool call"),
        ("call: {no_such_tool: {}}", "Unknown tool"),
        ("call: {stock: {items: mug}}", "wrong arguments for stock"),
    ],
)
def test_what_is_wrong_with_an_answer_is_fed_back(wrong: str, words: str) -> None:
    """The model is told the reason and asked again; that is no turn of its own."""
    script = f"replies:\n  - {{{wrong}, times: 2}}\n  - answer: {{text: fine}}\n"
    ran = run(script, tools=STOCK, limits={"turns": 1})
    assert ran.output == {"text": "fine"}
    assert ran.requests == 3
    assert words in str(ran.bodies[1]["messages"][1:])


def test_after_its_attempts_an_agent_gives_up() -> None:
    """Three attempts by default, as many as `on_failure` says otherwise, none where feedback is off."""
    wrong = "replies: [{answer: {txet: fine}}]"
    for reaction, requests in (({}, 3), ({"attempts": 5}, 5), ({"feedback": False}, 1)):
        with ModelServer(wrong) as server:
            made = plan({"small": model(server)}, {"assistant": agent(on_failure={"semantic": reaction})})
            with pytest.raises(Semantic, match="no acceptable answer"):
                asyncio.run(_once(made))
            assert server.requests == requests


async def _once(made: Any, name: str = "assistant", arguments: Any = None, boundary: Any = None) -> Any:
    async with Agents(made, prompts={}, secrets=EnvironmentSecrets({})) as agents:
        agents.refuse_unready()
        given = {"city": "Paris"} if arguments is None else arguments
        return await agents.call(boundary or MemoryBoundary(), name, given, parent="reply")


@pytest.mark.parametrize(
    ("check", "wrong", "words"), [("no_shouting", "PARIS", "refuses the answer"), ("says_city", "in Lima", "name the city Paris")]
)
def test_a_check_sends_an_answer_back(check: str, wrong: str, words: str) -> None:
    """It takes the answer, or the input and the answer; False or a reason refuses."""
    script = f"replies:\n  - {{answer: {{text: {wrong}}}, times: 1}}\n  - answer: {{text: fine in Paris}}\n"
    ran = run(script, check=f"{HERE}:{check}")
    assert ran.output == {"text": "fine in Paris"}
    assert words in str(ran.bodies[1]["messages"])


def test_a_broken_check_is_an_error_of_its_author() -> None:
    """The model is not asked again for what Python did wrong."""
    with pytest.raises(CallableError, match="raises raised ZeroDivisionError"):
        run("replies: [{answer: {text: fine}}]", check=f"{HERE}:raises")


@pytest.mark.parametrize(
    ("limits", "requests"),
    [({"turns": 2}, 2), ({"tokens": 250}, 3), ({"cost": "0.0009 USD"}, 3), ({"turns": 1}, 1)],
)
def test_a_limit_stops_an_agent_before_the_next_request(limits: dict[str, Any], requests: int) -> None:
    """A request counts 100 tokens in and 10 out here, at a price of 2 and 20 dollars a million."""
    calls = "\n".join(
        f"  - {{when: {{turn: {n}}}, call: {{stock: {{item: i{n}}}}}, usage: {{input: 100, output: 10}}}}" for n in range(1, 9)
    )
    with ModelServer(f"replies:\n{calls}\n") as server:
        small = model(server, price={"input": "2 USD", "output": "20 USD"})
        made = plan({"small": small}, {"assistant": agent(tools=("stock",), limits=limits)}, STOCK)
        with pytest.raises(Exhausted, match=f"limits.{next(iter(limits))}"):
            asyncio.run(_once(made))
        assert server.requests == requests


def test_the_time_of_an_agent_is_limited() -> None:
    """It stops when its time is over, whatever it waits for."""
    begun = time.monotonic()
    with pytest.raises(Exhausted, match=r"limits\.time: 0\.2s"):
        run("replies: [{answer: {text: fine}, delay: 30}]", limits={"time": "200ms"})
    assert time.monotonic() - begun < 10


def test_usage_and_cost_are_handed_to_the_boundary() -> None:
    """The journal, and not the agent, adds them up."""
    prices = {"price": {"input": "2 USD", "output": "20 USD"}}
    ran = run("replies: [{answer: {text: fine}, usage: {input: 1000, output: 100}}]", model_changes=prices)
    assert ran.boundary.used.requests == 1
    assert (ran.boundary.used.input_tokens, ran.boundary.used.output_tokens) == (1000, 100)
    assert ran.boundary.used.cost == Decimal("0.004")


def test_tools_that_are_asked_for_together_run_together() -> None:
    """Equal ones are told apart by their ordinal, and a resume serves those that were finished."""
    script = """
    replies:
      - {when: {turn: 1}, call: [{slow_stock: {item: a}}, {slow_stock: {item: bb}}, {slow_stock: {item: a}}]}
      - {answer: {text: "last has {result.count}"}}
    """
    begun = time.monotonic()
    ran = run(script, tools={"slow_stock": tool("slow_stock")})
    assert time.monotonic() - begun < 10
    assert ran.boundary.count("tool") == 3
    assert ran.output == {"text": "last has 1"}
    one_missing = dict(list(ran.boundary.recorded.results.items())[:3])
    again = run(script, tools={"slow_stock": tool("slow_stock")}, recorded=Recorded(one_missing))
    assert (again.boundary.count("tool"), again.output) == (1, ran.output)


DELEGATE = """
replies:
  - {when: {text: "^Research"}, answer: {text: "found 7"}, usage: {input: 500, output: 100}}
  - {when: {turn: 1}, call: {researcher: {city: Paris}}, usage: {input: 50, output: 10}}
  - {when: {result: researcher}, answer: {text: "it says {result.text}"}}
"""


def test_an_agent_calls_another_agent() -> None:
    """The other is offered as a tool with its own input, and starts with nothing but its prompt."""
    with ModelServer(DELEGATE) as server:
        made = plan(
            {"small": model(server)}, {"assistant": agent(agents=("researcher",)), "researcher": agent(prompt="Research {{ city }}.")}
        )
        boundary = MemoryBoundary()
        assert asyncio.run(_once(made, boundary=boundary)) == {"text": "it says found 7"}
    assert [request.kind for request in boundary.performed] == ["agent", "model", "agent", "model", "model"]


def test_a_field_that_another_agent_doesn_t_take_is_told_to_the_model() -> None:
    """Unknown is an error, also where a model makes it up."""
    script = """
    replies:
      - {when: {text: "^Research"}, answer: {text: "found 7"}}
      - {when: {turn: 1}, call: {researcher: {city: Paris, depth: 3}}}
      - {when: {turn: 2}, call: {researcher: {city: Paris}}}
      - {when: {result: researcher}, answer: {text: "it says {result.text}"}}
    """
    ran = run(script, agents={"researcher": agent(prompt="Research {{ city }}.")}, agents_of=("researcher",))
    assert ran.output == {"text": "it says found 7"}
    assert "researcher takes city, not depth" in str(ran.bodies)


def test_what_another_agent_used_counts_after_a_resume_too() -> None:
    """Its result is served, its tokens still stand in it: a crash doesn't reset a limit."""
    with ModelServer(DELEGATE) as server:
        limited = agent(agents=("researcher",), limits={"tokens": 100})
        made = plan({"small": model(server)}, {"assistant": limited, "researcher": agent(prompt="Research {{ city }}.")})
        recorded = Recorded()
        for requests in (2, 2):
            with pytest.raises(Exhausted, match=r"limits\.tokens: 660 of 100"):
                asyncio.run(_once(made, boundary=MemoryBoundary(recorded)))
            assert server.requests == requests


def test_an_agent_that_repeats_itself_makes_no_progress() -> None:
    """The same call with the same arguments and the same result in the next turn is fed back, and ends the agent when it goes on."""
    stuck = "replies: [{call: {stock: {item: mug}}}]"
    with ModelServer(stuck) as server:
        made = plan({"small": model(server)}, {"assistant": agent(tools=("stock",))}, STOCK)
        boundary = MemoryBoundary()
        with pytest.raises(Exhausted, match=r'no progress: stock\({"item": "mug"}\) was asked for in 4 turns'):
            asyncio.run(_once(made, boundary=boundary))
        assert boundary.count("tool") == 4
        assert server.requests == 4


def test_a_tool_that_fails_for_good_ends_the_agent() -> None:
    """What went wrong in Python is nothing that a model can mend."""
    with pytest.raises(CallableError, match="the tool broken raised KeyError"):
        run("replies: [{call: {broken: {item: mug}}}]", tools={"broken": tool("broken")})


def test_a_tool_can_refuse_and_the_model_is_told() -> None:
    """A tool raises `Semantic` for arguments that it doesn't like."""
    calls = "{when: {turn: 1}, call: {picky: {item: pot}}}, {when: {turn: 2}, call: {picky: {item: mug}}}"
    script = f"replies: [{calls}, {{answer: {{text: '{{result}}'}}}}]"
    ran = run(script, tools={"picky": tool("picky")})
    assert ran.output == {"text": "a mug"}
    assert "there is: mug" in str(ran.bodies[1]["messages"])


@pytest.mark.parametrize(("effects", "finished"), [("write", True), ("read", False)])
def test_a_write_under_way_is_finished_when_its_agent_is_given_up(effects: str, finished: bool) -> None:
    """A write that was broken off would be a question for a person; a read is simply asked again."""
    script = "replies: [{call: [{broken: {item: mug}}, {slow_stock: {item: pot}}]}]"
    recorded = Recorded()
    with pytest.raises(CallableError):
        run(script, tools={"broken": tool("broken"), "slow_stock": tool("slow_stock", effects=effects)}, recorded=recorded)
    assert ({"item": "pot", "count": 3} in recorded.results.values()) is finished


@pytest.mark.parametrize(
    ("output", "answer"),
    [("str", "fine"), ("int", 3), ("list[str]", ["a", "b"]), (f"list[{HERE}:Stock]", [{"item": "mug", "count": 2}]), ("bool", True)],
)
@pytest.mark.parametrize("mode", ["tool", "native"])
def test_every_type_can_be_an_output(mode: str, output: str, answer: Any) -> None:
    """By a tool call, or by the provider's own structured output."""
    script = f"replies: [{{answer: {answer!r}}}]"
    ran = run(script, output=output, model_changes={"params": {"output": mode, "temperature": 0.5}})
    assert ran.output == answer
    assert ran.bodies[0]["temperature"] == 0.5
    assert ("response_format" in ran.bodies[0]) == (mode == "native" and output != "str")


def test_in_a_job_a_model_is_asked_for_the_new_fields_only() -> None:
    """The rest of the row is carried over, and the answer is checked whole."""
    ran = run(
        "replies: [{answer: {colour: red}}]",
        prompt="What colour is {{ title }}?",
        input=f"{HERE}:Product",
        output=f"{HERE}:Enriched",
        new_fields=("colour",),
        arguments={"id": "7", "title": "a red mug"},
    )
    assert ran.output == {"id": "7", "title": "a red mug", "colour": "red"}
    [asked] = [one["function"]["parameters"] for one in ran.bodies[0]["tools"]]
    assert list(asked["properties"]) == ["colour"]


def test_a_row_is_asked_for_without_a_journal() -> None:
    """Stages of a job use a boundary that keeps nothing, with the same reactions to failure."""
    with ModelServer("replies: [{fail: {status: 500}, times: 2}, {answer: {text: fine}}]") as server:
        made = plan({"small": model(server)}, {"assistant": agent()})
        boundary = UnrecordedBoundary(NoWaiting())
        assert asyncio.run(_once(made, boundary=boundary)) == {"text": "fine"}
        assert (server.requests, boundary.used.requests) == (3, 1)


def test_many_calls_of_one_agent_at_once_do_not_mix() -> None:
    """An agent is built once; what belongs to a call stays with it."""
    script = "replies: [{when: {text: 'in (?P<city>[A-Z0-9]+)'}, answer: {text: 'got {city}'}}]"

    async def go(made: Any) -> list[Any]:
        async with Agents(made, prompts={}, secrets=EnvironmentSecrets({})) as agents:
            calls = (agents.call(UnrecordedBoundary(NoWaiting()), "assistant", {"city": f"C{n}"}, parent=f"row-{n}") for n in range(20))
            return await asyncio.gather(*calls)

    with ModelServer(script) as server:
        made = plan({"small": model(server)}, {"assistant": agent()})
        assert asyncio.run(go(made)) == [{"text": f"got C{n}"} for n in range(20)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": "{{ city"}, "is no template"),
        ({"tools": ("nothing",)}, "there is no tool nothing"),
        ({"output": f"{HERE}:Nothing"}, "can't be imported"),
        ({"check": f"{HERE}:nothing"}, "can't be imported"),
        ({"model": "large"}, "there is no model large"),
    ],
)
def test_what_can_t_work_is_refused_before_the_first_request(changes: dict[str, Any], words: str) -> None:
    """Nothing is paid for a run that must fail."""
    with ModelServer("replies: [{answer: {text: fine}}]") as server:
        made = plan({"small": model(server)}, {"assistant": agent(**changes)})
        with pytest.raises(Refused, match=words):
            asyncio.run(_once(made))
        assert server.requests == 0


@pytest.mark.parametrize("arguments", ["Lima", {"input": "Lima"}])
def test_an_input_that_is_no_record_comes_alone_or_by_its_name(arguments: Any) -> None:
    """`with: $inputs` gives the value, `with: {input: …}` names it."""
    ran = run("replies: [{answer: {text: fine}}]", input="str", prompt="Where is {{ input }}?", arguments=arguments)
    assert ran.bodies[0]["messages"][0]["content"] == "Where is Lima?"


def test_an_input_that_does_not_fit_is_said() -> None:
    """The field is named."""
    with pytest.raises(Semantic, match="city: Field required"):
        run("replies: [{answer: {text: fine}}]", arguments={"town": "Paris"})


def test_every_failure_is_one_of_ours() -> None:
    """No exception of the agent framework leaves."""
    for script in ("replies: [{text: words}]", "replies: [{fail: {status: 400}}]", "replies: [{refuse: not that}]"):
        with pytest.raises(Failure):
            run(script, on_failure={"semantic": {"attempts": 1}})


def test_two_tools_that_a_model_could_not_tell_apart_are_refused() -> None:
    """Also one that is called as the model's answer is; before anything is asked."""
    with pytest.raises(Refused, match="the agent assistant would be offered two tools called final_result") as caught:
        run("replies: [{text: never}]", tools={"final_result": tool("stock")})
    assert caught.value.help == "call it something else"
    ran = run("replies: [{text: fine}]", tools={"final_result": tool("stock")}, output="str")
    assert (ran.output, ran.requests) == ("fine", 1)
