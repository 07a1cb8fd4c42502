"""Questions through the command: asked once, answered once, kept."""

from __future__ import annotations

import re

import pytest

from darner.runtime.events import QuestionAsked, QuestionClosed
from darner.runtime.journal import paths, record

from .office import Office

MUGS = ["-i", "what=mugs"]


def test_a_run_that_waits_for_a_person_is_parked_answered_and_gone_on_with(office: Office) -> None:
    """Exit 3 and `waiting` with the question; the answer runs nothing by itself; an approval shows the exact arguments."""
    assert office.run("trade.yaml", *MUGS, "--json") == 3
    told = office.json()
    assert told["status"] == "waiting"
    assert [(one["human"], one["about"], one["text"]) for one in told["questions"]] == [
        ("customer", "question", "How many mugs do you want?")
    ]
    assert office("answer", "r1", '{"count": 3}') == 0
    assert office.effects == ["send customer 0 How many mugs do you want?"]
    assert office("resume", "r1", "--json") == 3
    [asked] = office.json()["questions"]
    assert asked["shown"] == {"tool": "buy", "arguments": {"item": "mugs", "count": 3}}
    assert office("answer", "r1", "approve", "--resume", "--json") == 0
    assert office.json()["outputs"] == {"wish": {"count": 3, "note": ""}, "bought": "3 mugs"}
    assert [re.sub(r" [0-9a-f]{32}$", "", line) for line in office.effects] == [
        "send customer 0 How many mugs do you want?",
        "send desk 0 Buy 3 of mugs?",
        "buy 3 mugs",
    ]


def test_a_resumed_run_asks_nobody_twice(office: Office) -> None:
    """However often it is taken up: one question, one message to the person."""
    assert office.run("trade.yaml", *MUGS) == 3
    for _ in range(3):
        assert office("resume", "r1") == 3
        assert "How many mugs" in office.err
    assert sum(isinstance(one, QuestionAsked) for one in office.events()) == 1
    assert office.effects == ["send customer 0 How many mugs do you want?"]


def test_answers_that_don_t_fit_are_refused_with_what_would(office: Office) -> None:
    """Exit 2, the reason, nothing written; an unknown question, a closed one, an unknown run, too."""
    assert office.run("trade.yaml", *MUGS) == 3
    for value, said in [
        ('{"count": "x"}', "count must be an integer"),
        ('{"count": 200}', "count must be at most 99"),
        ("{}", "lacks count"),
        ("three", "must be an object"),
    ]:
        assert office("answer", "r1", value) == 2
        assert said in office.err
    assert office("answer", "r1", "nowhere", '{"count": 3}') == 2
    assert "no open question nowhere" in office.err
    assert office("answer", "r9", "x") == 2
    assert "there is no run r9" in office.err
    assert office("answer", "r1", "customer", '{"count": 3}') == 0
    assert office("answer", "r1", '{"count": 4}') == 2
    assert 'answered {"count": 3}' in office.err
    name = office.state().waits.open[0].question
    assert office("resume", "r1") == 3
    assert office("answer", "r1", name, '{"count": 4}') == 2
    assert "is closed" in office.err


@pytest.mark.parametrize(
    ("answer", "status", "bought"),
    [("approve", 0, "2 mugs"), ('edit {"item": "cups", "count": 1}', 0, "1 cups"), ("deny too dear", 1, None)],
)
def test_a_write_is_approved_changed_or_denied(office: Office, answer: str, status: int, bought: str | None) -> None:
    """Other arguments are checked against the tool's own; a denial fails the step with its reason and writes nothing."""
    assert office.run("desk.yaml", "-i", "only=approval") == 3
    for wrong in ('edit {"item": "cups"}', "perhaps", 'edit {"item": "cups", "count": 1, "colour": "red"}'):
        assert office("answer", "r1", wrong) == 2
    assert office("answer", "r1", *answer.split(" ", 1), "--resume", "--json") == status
    told = office.json()
    if bought is None:
        assert "boss denied buy: too dear" in told["error"]
        assert office.effects == []
        assert office("resume", "r1", "--json") == 1
        assert sum(isinstance(one, QuestionAsked) for one in office.events()) == 1
    else:
        assert told["outputs"]["bought"] == bought
        assert office.effects == [f"buy {bought}"]


def test_an_approval_is_consumed_with_the_intent_of_its_write(office: Office) -> None:
    """One commit holds both, so an approval is never used up without its write, nor the write begun without it."""
    assert office.run("desk.yaml", "-i", "only=approval") == 3
    assert office("answer", "r1", "approve", "--resume") == 0
    kinds = [one.kind for one in office.events()]
    closed = kinds.index("question_closed")
    assert kinds[closed + 1] == "call_started"
    path = office.store / paths.journal_file("r1")
    with path.open("rb") as file:
        commits = [[one.kind for one in record.decode(each, "r1")] for each in record.scan(file, path.stat().st_size, "r1")]
    assert ["question_closed", "call_started"] in commits


def test_nobody_answers_in_time_and_that_fails_until_somebody_is_asked_anew(office: Office) -> None:
    """`on_timeout: fail` is class exhausted; reminders were sent; a late answer is told so; resume asks once more."""
    assert office.run("desk.yaml", "-i", "only=fail", "--json") == 1
    assert "hasty did not answer within 0.3s" in office.json()["error"]
    assert office.effects[0] == "send hasty 0 Quick!"
    assert {"send hasty 1 Quick!", "send hasty 2 Quick!"} & set(office.effects)
    assert len(office.effects) == len(set(office.effects))
    assert office("answer", "r1", "3") == 2
    [first] = [one for one in office.events() if isinstance(one, QuestionAsked)]
    assert office("answer", "r1", first.question, "3") == 2
    assert "its time was up" in office.err
    assert office("resume", "r1") == 1
    assert [one.question for one in office.events() if isinstance(one, QuestionAsked)] == [first.question, f"{first.question}-2"]


def test_a_default_counts_when_the_time_is_up(office: Office) -> None:
    """`on_timeout: default` goes on with it, and says so in the journal."""
    assert office.run("desk.yaml", "-i", "only=default", "--json") == 0
    assert office.json()["outputs"]["shrug"] == "whatever"
    assert [one.by for one in office.events() if isinstance(one, QuestionClosed)] == ["default"]


def test_when_the_time_is_up_somebody_else_is_asked(office: Office) -> None:
    """`on_timeout: escalate`: the same question, of the next person, whose answer is the step's."""
    assert office.run("desk.yaml", "-i", "only=escalate", "--json") == 3
    [asked] = office.json()["questions"]
    assert (asked["human"], asked["text"]) == ("manager", "Which colour?")
    assert office("answer", "r1", "red", "--resume", "--json") == 0
    assert office.json()["outputs"]["pick"] == "red"
    assert office.effects == ["send clerk 0 Which colour?", "send manager 0 Which colour?"]


def test_what_was_said_unasked_answers_the_next_question(office: Office) -> None:
    """The oldest unread message first; each is taken once; without one the person is asked."""
    assert office.run("desk.yaml", "-i", "only=inbox") == 3
    assert office("say", "r1", "hello there") == 0
    assert office("say", "r1", "and another thing") == 0
    assert office("answer", "r1", "it is me", "--resume", "--json") == 0
    assert (office.json()["outputs"]["call"], office.json()["outputs"]["again"]) == ("it is me", "hello there")
    assert office("say", "r1", "too late") == 2
    assert "is over (done)" in office.err


def test_a_parked_run_is_cancelled_at_once_and_its_question_is_closed(office: Office) -> None:
    """Status cancelled, exit 1 when it is resumed; a later answer is told so."""
    assert office.run("trade.yaml", *MUGS) == 3
    question = office.state().waits.open[0].question
    assert office("cancel", "r1") == 0
    assert "is cancelled" in office.err
    assert office("resume", "r1", "--json") == 1
    assert office.json()["status"] == "cancelled"
    assert office("answer", "r1", question, '{"count": 3}') == 2
    assert "cancelled" in office.err
    assert office("cancel", "r1") == 2
    assert office("resume", "--due", "--json") == 0
    assert office.json() == {"resumed": []}


def test_resume_takes_a_run_or_due(office: Office) -> None:
    """One of both, not none, not both."""
    assert office("resume") == 2
    assert office("resume", "r1", "--due") == 2


def test_due_runs_are_woken_and_others_sleep_on(office: Office) -> None:
    """Only the run that has an answer is gone on with; without hints there is nothing, and nothing breaks."""
    for run in ("r1", "r2"):
        assert office.run("trade.yaml", *MUGS, run=run) == 3
    assert office("resume", "--due", "--json") == 0
    assert office.json() == {"resumed": []}
    assert office("answer", "r2", '{"count": 3}') == 0
    assert office("resume", "--due", "--json") == 0
    assert office.json() == {"resumed": [{"run": "r2", "status": "waiting"}]}
    assert office.state("r1").epoch == 1
