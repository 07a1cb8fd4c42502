"""Open questions shown: as text for people, as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .answers import SHOWN, how
from .events import QuestionAsked
from .failures import Refused
from .ports import Json
from .state import RunState


def as_json(asked: QuestionAsked) -> dict[str, Any]:
    """Return a question as JSON, by the names that it has in the journal; times are seconds since 1970."""
    return {
        "question": asked.question,
        "human": asked.human,
        "about": asked.about,
        "text": asked.text,
        "shown": asked.shown,
        "answer_schema": asked.answer_schema,
        "at": asked.at,
        "due": asked.due,
    }


def lines(asked: QuestionAsked) -> Iterator[str]:
    """Yield a question as lines: whom it is for, its text, what it is about, what may be answered."""
    ends = f", until {moment(asked.due)}" if asked.due is not None else ""
    yield f"{asked.question}  {asked.about} for {asked.human}{ends}"
    for line in asked.text.strip().splitlines():
        yield f"    {line}"
    for name, value in (asked.shown or {}).items():
        yield f"    {name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
    yield f"    ({how(asked)})"


def moment(at: float) -> str:
    """Return a time as people read it, in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def due(state: RunState) -> float | None:
    """Return when something that a run waits for is due next, or None where only people can end the wait."""
    return min((one.due for one in state.waiting if one.due is not None), default=None)


def find(state: RunState, run_id: str, wanted: str | None) -> QuestionAsked:
    """Return the open question that is meant: by its name or the beginning of it, its human, or what asks.

    Raises:
        Refused: there is none, or there are several; or that one is closed, and how.
    """
    asked = [one for one in state.waiting if isinstance(one, QuestionAsked)]
    if wanted is None:
        fitting = asked
    else:
        fitting = [one for one in asked if one.question == wanted] or [
            one for one in asked if one.question.startswith(wanted) or wanted in {one.human, one.parent}
        ]
        _refuse_superseded(wanted, fitting)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        named = "; ".join(f"{one.question} ({one.human}: {short(one.text)})" for one in fitting)
        raise Refused(f"{run_id} asks {len(fitting)} questions", help=f"name one: {named}")
    raise _none(state, run_id, wanted, asked)


def _refuse_superseded(wanted: str, fitting: list[QuestionAsked]) -> None:
    """Refuse the whole name of a question that was asked anew: an answer to the old words is none to the new ones."""
    for one in fitting:
        if one.question.startswith(f"{wanted}-"):
            raise Refused(
                f"the question {wanted} is closed: it was asked anew as {one.question}", help="see what it asks now, and name that"
            )


def _none(state: RunState, run_id: str, wanted: str | None, asked: list[QuestionAsked]) -> Refused:
    for one in state.waits.questions.values():
        if wanted is not None and one.closed is not None and one.asked.question.startswith(wanted):
            return closed(one.asked.question, one.closed.by, one.closed.value, one.closed.who)
    if state.finished is not None:
        return Refused(f"the run {run_id} is over ({state.finished.status}) and asks nothing any more")
    if not asked:
        return Refused(f"the run {run_id} asks nothing now", help=f"`darner show {run_id}` shows how it stands")
    named = ", ".join(f"{one.question} ({one.human})" for one in asked)
    return Refused(f"the run {run_id} has no open question {wanted}", help=f"open: {named}")


def closed(question: str, by: str, value: Json, who: str | None) -> Refused:
    """Return what is said to whoever answers a question that is closed: what came first."""
    ends = {"timeout": "its time was up", "default": "its time was up, and its default counts", "cancelled": "the run was cancelled"}
    ends |= {"escalated": "its time was up, and somebody else is asked", "changed": "it was asked anew"}
    first = f"{who or 'somebody'} answered {json.dumps(value, ensure_ascii=False)}" if by == "answer" else ends.get(by, by)
    return Refused(f"the question {question} is closed: {first}", help="the first answer counts")


def short(text: str) -> str:
    """Return a text in one line, as much of it as is shown."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
