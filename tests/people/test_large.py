"""Questions and answers that are large: kept apart from the journal like any other payload, and shown whole."""

from __future__ import annotations

from darner.runtime.events import QuestionAsked, QuestionClosed
from darner.runtime.journal import blobs, paths

from .office import Office

MUGS = "m" * 40_000


def ask(office: Office) -> None:
    """Get a run to its approval of a large write, by a question with a large text."""
    assert office.run("trade.yaml", "-i", f"what={MUGS}", "--json") == 3, office.err
    assert MUGS in office.json()["questions"][0]["text"]
    assert office("answer", "r1", '{"count": 3}', "--resume", "--json") == 3, office.err
    assert office.json()["questions"][0]["shown"]["arguments"]["item"] == MUGS


def test_what_is_large_in_questions_and_answers_is_kept_apart_and_shown_whole(office: Office) -> None:
    """Texts, schemas, arguments, answers: none stands in the journal, each is there for people, resumes and forks."""
    ask(office)
    cups = "c" * 40_000
    assert office("answer", "r1", f'edit {{"item": "{cups}", "count": 1}}', "--resume", "--json") == 0, office.err
    assert office.json()["outputs"]["bought"] == f"1 {cups}"
    journal = (office.store / paths.journal_file("r1")).read_bytes()
    assert MUGS[: blobs.LIMIT].encode() not in journal
    assert cups[: blobs.LIMIT].encode() not in journal
    asked = [one for one in office.events() if isinstance(one, QuestionAsked)]
    assert [MUGS in one.text for one in asked] == [True, True]
    assert asked[1].shown["arguments"]["item"] == MUGS
    [edited] = [one for one in office.events() if isinstance(one, QuestionClosed) and one.call == asked[1].call]
    assert edited.value["arguments"]["item"] == cups
    assert office("fork", "r1", "--at", "bought", "--run", "r2") == 0, office.err
    assert office("resume", "r2", "--json") == 3, office.err
    assert office.json()["questions"][0]["shown"]["arguments"] == {"item": MUGS, "count": 3}
    assert [one.text for one in office.events("r2") if isinstance(one, QuestionAsked)] == [asked[0].text, asked[1].text]


def test_the_object_of_a_question_that_is_gone_is_named(office: Office) -> None:
    """Exit with what is gone and what to do; nothing is asked with half of a question."""
    ask(office)
    for one in (office.store / "runs" / "r1" / "blobs").iterdir():
        one.unlink()
    assert office("resume", "r1") != 0
    assert "runs/r1/blobs/" in office.err
    assert "is gone, and the journal names it" in office.err
    assert "backup" in office.err


def test_a_question_has_the_same_names_wherever_it_is_told(office: Office) -> None:
    """`run --json`, `show --json` and the journal."""
    assert office.run("trade.yaml", "-i", "what=mugs", "--json") == 3, office.err
    [told] = office.json()["questions"]
    assert office("show", "r1", "--json") == 0
    [shown] = office.json()["waiting"]
    [asked] = [one for one in office.events() if isinstance(one, QuestionAsked)]
    assert told == {name: getattr(asked, name) for name in told}
    assert {name: shown[name] for name in told} == told
    assert set(shown) - set(told) == {"step"}
