"""What people do from outside while a run waits: answer, say something, cancel, wake what is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from ... import answers, questions
from ...answers import Answer
from ...events import QuestionAsked
from ...failures import Busy, Refused, StoreError
from ...journal import paths
from ...journal.log import open_log, read_events
from ...ports import Clock, Json, Store
from ...state import RunState, fold
from ..world import SystemClock, owner
from . import desk
from .leaving import ends_of


@dataclass(frozen=True)
class Reply:
    """An answer that was given."""

    question: str
    value: Json


def reply(store: Store, run_id: str, words: Sequence[str], who: str, clock: Clock | None = None) -> Reply:
    """Answer an open question of a run: ``words`` are the value, or the question and the value.

    Raises:
        Refused: there is no such question, it is closed (with what came first), or the value doesn't fit.
    """
    state = fold(read_events(store, run_id))
    asked, text = _meant(state, run_id, words)
    return answer(store, run_id, asked, answers.parse(asked, text), who, clock or SystemClock())


def answer(  # noqa: PLR0913, PLR0917 - where, which question, which answer, from whom
    store: Store, run_id: str, asked: QuestionAsked, value: Json, who: str, clock: Clock
) -> Reply:
    """Put an answer that fits on the desk; `Refused` where another one was first."""
    now = clock.now()
    mine = Answer("answer", value, who, now)
    if asked.due is not None and now >= asked.due:
        mine = Answer("timeout", at=now)
    if store.exists(paths.cancel(run_id)):
        mine = Answer("cancelled", at=now)
    first = desk.give(store, run_id, asked.question, mine)
    if first != mine or first.by != "answer":
        raise questions.closed(asked.question, first.by, first.value, first.who)
    return Reply(asked.question, value)


def _meant(state: RunState, run_id: str, words: Sequence[str]) -> tuple[QuestionAsked, str]:
    """Return the question and the answer's text: the first word names the question where it can, and something follows it."""
    text = " ".join(words)
    if len(words) == 1:
        return questions.find(state, run_id, None), text
    try:
        return questions.find(state, run_id, words[0]), " ".join(words[1:])
    except Refused:
        # Words without quotes may be the answer to the only question; but never where the first one names another.
        only = state.waits.open[0] if len(state.waits.open) == 1 and not _is_name(state, words[0]) else None
        if only is None or not _fits(only, text):
            raise
        return only, text


def _fits(asked: QuestionAsked, text: str) -> bool:
    try:
        answers.parse(asked, text)
    except Refused:
        return False
    return True


def _is_name(state: RunState, word: str) -> bool:
    """Return whether a word is the name of a question, open or not, so that it can't be the beginning of an answer."""
    return any(one.asked.question == word for one in state.waits.questions.values())


def say(store: Store, run_id: str, text: str, who: str, clock: Clock | None = None) -> int:
    """Put a message into a run's inbox, and return its number; `Refused` where the run is over."""
    state = fold(read_events(store, run_id))
    if state.finished is not None and state.finished.status != "failed":
        raise Refused(f"the run {run_id} is over ({state.finished.status}) and reads nothing any more", help="start a new run")
    return desk.leave_message(store, run_id, Answer("answer", text, who, (clock or SystemClock()).now()))


def cancel(store: Store, run_id: str, who: str, clock: Clock | None = None) -> bool:
    """End a run: its owner is told, or it is ended here where nobody has it. Return whether it is over already.

    Open questions are closed under the names that answers compete for, so none of them is answered afterwards.
    """
    now = (clock or SystemClock()).now()
    state = fold(read_events(store, run_id))
    if state.finished is not None and state.finished.status != "failed":
        raise Refused(f"the run {run_id} is over already ({state.finished.status})")
    store.create(paths.cancel(run_id), Answer("cancelled", who=who, at=now).text())
    for asked in state.waits.open:
        desk.give(store, run_id, asked.question, Answer("cancelled", who=who, at=now))
    try:
        log = open_log(store, run_id, owner=owner())
    except Busy:
        return False
    with closing(log):
        state = fold(log.read())
        if state.finished is None or state.finished.status == "failed":
            log.append(ends_of(state, now, who))
    return True


def due_runs(store: Store, clock: Clock) -> Iterator[str]:
    """Yield the parked runs that have something to do: a time has come, an answer lies on the desk. Stale hints are removed."""
    now, seen = clock.now(), set[str]()
    for name in store.names(paths.DUE):
        at, run_id = paths.due_of(name)
        if at > now and not _is_answered(store, run_id):
            continue
        is_due, is_parked = _stands(store, run_id, now)
        if is_due and run_id not in seen:
            seen.add(run_id)
            yield run_id
        elif not is_due and (at <= now or not is_parked):
            store.delete(name)


def _is_answered(store: Store, run_id: str) -> bool:
    return bool(store.names(paths.answers(run_id))) or store.exists(paths.cancel(run_id))


def _stands(store: Store, run_id: str, now: float) -> tuple[bool, bool]:
    """Return whether a run has something to do now, and whether it waits for anything at all."""
    try:
        state = fold(read_events(store, run_id))
    except StoreError:
        return False, True  # a damaged run must not keep the others asleep; `darner ps` shows it
    if state.started is None or state.finished is not None or not state.waits.parked:
        return False, False
    given = set(store.names(paths.answers(run_id)))
    is_answered = any(paths.answer(run_id, one.question) in given for one in state.waits.open)
    return is_answered or any(at <= now for at in state.waits.times()) or store.exists(paths.cancel(run_id)), True
