"""Questions that changed, were closed, or went along into a fork; what servers' tools ask for; answers with fields that nobody knows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from darner.runtime.events import QuestionAsked, QuestionClosed
from darner.runtime.journal import paths
from darner.runtime.journal.store import open_store

from .office import TRADE, Office

SPEC = """darner: 1
name: greeting
humans:
  guest: {ask: "What would {{ who }} like?", answer: "greeting_steps:Wish"}
flow:
  steps:
    host: {use: "greeting_steps:host", calls: [guest], limits: {calls: 5}}
  outputs: $host
"""
STEPS = """
from darner import Ask
from pydantic import BaseModel


class Wish(BaseModel):
    drink: str


async def host(guest: Ask[Wish]) -> str:
    wish = await guest(who="the guest")
    return f"one {wish.drink}"
"""


@pytest.fixture
def greeting(tmp_path: Path, office: Office) -> Office:
    """An office with a spec of its own, whose Python may be edited."""
    (tmp_path / "greeting.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "greeting_steps.py").write_text(STEPS, encoding="utf-8")
    return office


def process(office: Office, *words: str) -> tuple[int, str]:
    """Run a command as a process of its own, which finds the Python as it is now; return its exit code and its object."""
    with office.start(*words) as started:
        out, err = started.communicate(timeout=120)
        code = started.wait()
    assert "Traceback" not in err
    return code, out


def begin(office: Office) -> int:
    """Begin the run, in a process of its own."""
    return process(office, "run", str(office.folder / "greeting.yaml"), "--run", "r1", "--json")[0]


def edit(office: Office, old: str, new: str) -> None:
    """Change the Python between two lives."""
    path = office.folder / "greeting_steps.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_an_open_question_whose_answer_has_another_type_now_is_closed_and_asked_anew(greeting: Office) -> None:
    """The call is the same, the question isn't: what was asked first can't be answered any more, and says so; one is open."""
    assert begin(greeting) == 3
    [first] = greeting.state().waits.open
    edit(greeting, "    drink: str", "    drink: str\n    size: int")
    code, out = process(greeting, "resume", "r1", "--json")
    assert code == 3
    [asked] = json.loads(out)["questions"]
    assert asked["question"] == f"{first.question}-2"
    assert greeting("answer", "r1", first.question, '{"drink": "tea"}') == 2
    assert "asked anew" in greeting.err
    assert greeting("answer", "r1", '{"drink": "tea"}') == 2
    assert "lacks size" in greeting.err
    assert greeting("answer", "r1", '{"drink": "tea", "size": 2}') == 0
    code, out = process(greeting, "resume", "r1", "--json")
    assert (code, json.loads(out)["outputs"]) == (0, "one tea")
    kinds = [(one.kind, getattr(one, "by", None)) for one in greeting.events() if isinstance(one, QuestionAsked | QuestionClosed)]
    assert kinds == [("question_asked", None), ("question_closed", "changed"), ("question_asked", None), ("question_closed", "answer")]


def test_an_answer_that_came_before_the_question_changed_is_taken_where_it_still_fits(greeting: Office) -> None:
    """Answered at once, edited, resumed: the same question is not asked twice for a new field that nobody has to give."""
    assert begin(greeting) == 3
    assert greeting("answer", "r1", '{"drink": "tea"}') == 0
    edit(greeting, "    drink: str", "    drink: str\n    size: int = 1")
    code, out = process(greeting, "resume", "r1", "--json")
    assert (code, json.loads(out)["outputs"]) == (0, "one tea")
    assert sum(isinstance(one, QuestionAsked) for one in greeting.events()) == 1


def test_a_question_that_is_put_in_other_words_is_another_one_and_the_old_one_stays_unanswered(greeting: Office) -> None:
    """Other variables make another call: it is asked; an answer to the old one is accepted by nobody, and the run ends."""
    assert begin(greeting) == 3
    [first] = greeting.state().waits.open
    edit(greeting, "the guest", "the lady")
    code, out = process(greeting, "resume", "r1", "--json")
    assert code == 3
    asked = {one["question"]: one["text"] for one in json.loads(out)["questions"]}
    assert "What would the lady like?" in asked.values()
    new = next(name for name, text in asked.items() if "lady" in text)
    assert new != first.question
    assert greeting("answer", "r1", new, '{"drink": "milk"}') == 0
    code, out = process(greeting, "resume", "r1", "--json")
    assert (code, json.loads(out)["outputs"]) == (0, "one milk")
    assert greeting("answer", "r1", first.question, '{"drink": "tea"}') == 2


def test_a_field_that_an_answer_doesn_t_have_is_refused(office: Office) -> None:
    """Unknown is an error: a misspelt field that need not be given would be dropped in silence. Its fields are named."""
    assert office.run("trade.yaml", "-i", "what=mugs") == 3
    assert office("answer", "r1", '{"count": 3, "notes": "blue"}') == 2
    assert "has no field notes; its fields are count, note" in office.err
    assert office("answer", "r1", '{"count": 3, "note": "blue"}') == 0


def test_a_question_that_was_answered_is_closed_in_a_fork_too(office: Office) -> None:
    """Its answer is copied: another one is refused in the fork with the first; what is open there is answered apart from the old run."""
    assert office.run("trade.yaml", "-i", "what=mugs") == 3
    [wish] = office.state().waits.open
    assert office("answer", "r1", '{"count": 3}', "--resume") == 3
    assert office("fork", "r1", "--at", "bought", "--run", "r2") == 0, office.err
    assert office("answer", "r2", wish.question, '{"count": 4}') == 2
    assert "closed" in office.err
    assert office("resume", "r2", "--json") == 3
    [open_there] = office.json()["questions"]
    assert office("answer", "r1", "deny too dear", "--resume") == 1
    assert office("answer", "r2", open_there["question"], "approve", "--resume", "--json") == 0
    assert office.json()["outputs"]["bought"] == "3 mugs"
    assert office("answer", "r2", open_there["question"], "deny") == 2
    assert sum(line.startswith("buy") for line in office.log.read_text(encoding="utf-8").splitlines()) == 1
    store = open_store(office.store)
    assert store.names(paths.answers("r1")) != store.names(paths.answers("r2"))


DESK = """darner: 1
name: desk
params:
  server_log: {{type: str, help: where the server notes what it does}}
humans:
  boss: {{ask: "May an issue called {{{{ title }}}} be opened?"}}
tools:
  desk:
    mcp: {{command: [{python}, {server}, $params.server_log, stdio], tools: [create_issue], effects: {{create_issue: write}}}}
    approval: boss
flow:
  steps:
    opened: {{use: desk.create_issue, with: {{title: torn}}}}
  outputs: $opened
"""


@pytest.mark.parametrize(  # approvals and denials as such are proved by test_asking; only what is edited asks the server
    ("answer", "code", "created"),
    [
        pytest.param("approve", 0, "torn", marks=pytest.mark.soak),
        ('edit {"title": "lost"}', 0, "lost"),
        pytest.param("deny not now", 1, None, marks=pytest.mark.soak),
    ],
)
def test_a_server_s_write_waits_for_its_approval(office: Office, answer: str, code: int, created: str | None) -> None:
    """Exact arguments are shown; other ones are judged by the server's schema; once, under one key; a denial writes nothing."""
    pytest.importorskip("mcp")
    spec, noted = office.folder / "desk.yaml", office.folder / "server"
    spec.write_text(DESK.format(python=sys.executable, server=TRADE.parents[1] / "mcp/desks/tracker.py"), encoding="utf-8")
    assert office("run", str(spec), "--set", f"server_log={noted}", "--run", "r1", "--json") == 3
    [asked] = office.json()["questions"]
    assert asked["shown"] == {"tool": "desk.create_issue", "arguments": {"title": "torn"}}
    assert asked["text"] == "May an issue called torn be opened?"
    assert office("answer", "r1", 'edit {"title": 3}') == 2
    assert "title" in office.err
    assert office("answer", "r1", *answer.split(" ", 1), "--resume", "--json") == code
    writes = [line.split()[1] for line in noted.read_text(encoding="utf-8").splitlines() if line.startswith("create")]
    assert writes == ([created] if created else [])
    assert office("resume", "r1") == code
    assert len([line for line in noted.read_text(encoding="utf-8").splitlines() if line.startswith("create")]) == len(writes)


def test_an_answer_that_goes_on_says_that_the_spec_was_edited(greeting: Office) -> None:
    """As `resume` does: the run keeps the plan that it began with, and who answers hears of it."""
    assert begin(greeting) == 3
    spec = greeting.folder / "greeting.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("name: greeting", "name: another"), encoding="utf-8")
    with greeting.start("answer", "r1", '{"drink": "tea"}', "--resume") as started:
        out, err = started.communicate(timeout=120)
    assert out == '"one tea"\n'
    assert err.count("the spec has changed since; this run keeps the plan it began with") == 1
