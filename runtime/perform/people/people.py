"""People of a run, asked: one question a call, an answer that fits, never the same twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from ....compiler.plan import HumanPlan, Plan
from ... import keys
from ...answers import Answer, parse, unfit
from ...commits import GroupCommit
from ...events import QuestionAsked, QuestionClosed
from ...failures import CallableError, Denied, Exhausted, Failure, Refused, Semantic
from ...ports import Approved, CallRequest, Clock, Json
from ...questions import short
from ...state import RunState
from .. import values
from ..agents import prompts
from .desk import Desk
from .telling import Telling

NO_ANSWER = "NoAnswer"
"""The type of the failure where a person's time is up."""
BESIDE = frozenset({"attempts", "minutes"})
"""What is shown beside a question, and makes no other one of it."""


@dataclass(frozen=True)
class Asking:
    """What is asked, of whom, on whose behalf."""

    call: str
    parent: str
    human: str
    about: Literal["question", "approval", "rescue", "reconcile"]
    text: str
    schema: Any = None
    shown: Json = None
    check: Callable[[Json], object] = lambda value: value
    """Raises a `Failure` where an answer fits the schema and not the Python type."""

    @property
    def digest(self) -> str:
        """What an open question is compared with, to see whether it is still the one that was asked."""
        shown = {key: one for key, one in self.shown.items() if key not in BESIDE} if isinstance(self.shown, Mapping) else self.shown
        return keys.digest([self.text, self.schema, shown])[:16]


@dataclass(frozen=True)
class People:
    """The people of one run.

    Args:
        plan: names them; their `ask` texts that are files stand in ``prompts``.
        state, commits: what has happened, and where events go.
        desk: where answers lie; None where the run has no store, and nobody can be asked.
        telling: calls their `notify` tools.
    """

    plan: Plan
    prompts: Mapping[str, str]
    state: RunState
    commits: GroupCommit
    clock: Clock
    desk: Desk | None
    telling: Telling

    async def ask(self, boundary: Any, name: str, arguments: Json, *, parent: str) -> Json:
        """Return a person's answer as JSON: served once it is recorded, waited for until then.

        Args:
            boundary: the step's; it counts equal questions, and through it the person is told.
            name: the human's name in the plan.
            arguments: the variables of their `ask`.
            parent: the step or the call on whose behalf they are asked.

        Raises:
            Exhausted: nobody answered in time, and that fails.
        """
        human = self._human(name)
        call = boundary.identify(CallRequest(parent=parent, kind="human", name=name, arguments=arguments))
        boundary.finished[parent] = call
        known = self.state.calls.get(call)
        if known is not None and known.payload is not None:
            value = known.payload.value if known.payload.blob is None else boundary.recording.load(known.payload.blob)
            if _fits(human, value):
                return value
        text = prompts.render(name, self._text(human), variables(self._text(human), arguments))
        asking = Asking(call, parent, name, "question", text, _schema(human), None, lambda value: _typed(human, value))
        closed = await self._closed(boundary, asking)
        whole = closed.model_copy(update={"value": values.dump(asking.check(closed.value))})
        known_closed = self.state.waits.questions[call].closed
        if known_closed is None or known_closed.question != closed.question:
            await self.commits.commit(whole)
        return whole.value

    async def approve(self, boundary: Any, call: str, request: CallRequest) -> Approved:
        """Return a person's approval of exactly this write; it is to be recorded with the write's intent, in one commit.

        Raises:
            Denied: they said no; that is recorded.
            Exhausted: nobody answered in time, and that fails.
        """
        approval = request.approval
        if approval is None:
            return Approved()
        known = self.state.waits.questions.get(call)
        closed = known.closed if known is not None else None
        if closed is not None and closed.by in {"answer", "default"}:
            return _approved(request, closed, ())
        text = self._shown_text(approval.human, {"tool": request.name, "arguments": request.arguments, **_fields(request.arguments)})
        shown = {"tool": request.name, "arguments": request.arguments}
        asking = Asking(call, request.parent, approval.human, "approval", text, approval.schema, shown, _edits(approval.check))
        closed = await self._closed(boundary, asking)
        if _word(closed.value) == "deny":
            await self.commits.commit(closed)
        return _approved(request, closed, (closed,))

    async def settle(self, boundary: Any, call: str, request: CallRequest) -> tuple[str, Json, QuestionClosed]:
        """Return what a person says of a write that may or may not have happened: done (with its result), do, or abort."""
        human = request.approval.human if request.approval is not None else ""
        text = f"The write {request.name} began and its result was never recorded: it may or may not have happened."
        shown = {"tool": request.name, "arguments": request.arguments}
        asking = Asking(keys.digest([call, "reconcile"])[: len(call)], call, human, "reconcile", text, None, shown)
        known = self.state.waits.questions.get(asking.call)
        if known is not None and known.closed is not None and _word(known.closed.value) == "abort":
            return "abort", None, known.closed
        closed = await self._closed(boundary, asking)
        return _word(closed.value), closed.value.get("value"), closed

    async def rescue(self, boundary: Any, asking: Asking) -> QuestionClosed:
        """Return what a person says of a step that failed for good; it is not recorded yet."""
        return await self._closed(boundary, asking)

    def asking_for_rescue(self, path: str, number: int, human: str, shown: Mapping[str, Json], check: Callable[[Json], object]) -> Asking:
        """Return the question about a step's ``number``-th failure."""
        text = self._shown_text(human, shown)
        return Asking(keys.digest([path, "rescue", number])[:32], path, human, "rescue", text, None, dict(shown), check)

    def _human(self, name: str) -> HumanPlan:
        if name not in self.plan.humans:
            raise Refused(f"there is nobody called {name}")
        return self.plan.humans[name]

    def _text(self, human: HumanPlan) -> str:
        return self.prompts.get(human.ask, human.ask)

    def _shown_text(self, name: str, known: Mapping[str, Json]) -> str:
        """Return what somebody who decides is told; a text about other things than these is shown as it is written."""
        text = self._text(self._human(name))
        try:
            return prompts.render(name, text, dict(known))
        except CallableError:
            return text

    async def _closed(self, boundary: Any, asking: Asking) -> QuestionClosed:
        """Ask, wait, and return how the question ended: by an answer that fits, or by a default."""
        if self.desk is None:
            raise Refused(f"{asking.human} can't be asked: this run has no store where an answer could lie")
        self.commits.settle()  # what is put onto the desk can't be taken back
        taken = await self._from_inbox(asking)
        if taken is not None:
            return taken
        asked = await self._opened(asking)
        while True:
            told = await self.desk.outcome(asked, partial(self.telling.tell, boundary, asked))
            closed = QuestionClosed(
                at=self.clock.now(), call=asked.call, question=asked.question, by=told.by, value=told.value, who=told.who
            )
            if told.by == "cancelled":
                await asyncio.get_running_loop().create_future()
            elif told.by == "timeout":
                ended = await self._late(asking, asked, closed)
                if isinstance(ended, QuestionClosed):
                    return ended
                asked = ended
            elif told.by == "answer" and _why_not(asking, asked, told.value) is None:
                return closed
            else:
                asked = await self._ask(asking, asked.human, closed.model_copy(update={"by": "changed"}))

    async def _opened(self, asking: Asking) -> QuestionAsked:
        """Return the open question of a call, asked now if it wasn't, or if another one was."""
        known = self.state.waits.questions.get(asking.call)
        if known is None or known.closed is not None:
            return await self._ask(asking, asking.human)
        asked = known.asked
        if asked.digest == asking.digest or self.desk is None:
            return asked
        first = await self.desk.claim(asked.question, Answer("changed", at=self.clock.now()))
        if first.by == "answer" and _why_not(asking, asked, first.value) is None:
            return asked
        changed = QuestionClosed(
            at=self.clock.now(), call=asked.call, question=asked.question, by="changed", value=first.value, who=first.who
        )
        return await self._ask(asking, asked.human, changed)

    async def _ask(self, asking: Asking, name: str, *before: QuestionClosed) -> QuestionAsked:
        human, now = self._human(name), self.clock.now()
        due = None if human.timeout is None else now + human.timeout
        asked = QuestionAsked(
            at=now, call=asking.call, parent=asking.parent, question=self.state.waits.next_name(asking.call), human=name,
            about=asking.about, text=asking.text, answer_schema=asking.schema, digest=asking.digest, due=due,
            remind=human.remind, shown=asking.shown,
        )  # fmt: skip
        await self.commits.commit(*before, asked)
        return asked

    async def _late(self, asking: Asking, asked: QuestionAsked, closed: QuestionClosed) -> QuestionClosed | QuestionAsked:
        """Do what is to be done when a person's time is up."""
        human = self._human(asked.human)
        if human.on_timeout == "default":
            return closed.model_copy(update={"by": "default", "value": _default(asking, human)})
        if human.on_timeout == "escalate" and human.escalate is not None:
            return await self._ask(asking, human.escalate, closed.model_copy(update={"by": "escalated"}))
        await self.commits.commit(closed)
        msg = f"{asked.human} did not answer within {human.timeout:g}s: {short(asked.text)}"
        raise Exhausted(msg, type_name=NO_ANSWER, help="`darner resume RUN` asks once more")

    async def _from_inbox(self, asking: Asking) -> QuestionClosed | None:
        """Take the oldest unread message that fits as the answer, before anybody is asked."""
        human = self._human(asking.human)
        if asking.about != "question" or not human.inbox or self.desk is None or asking.call in self.state.waits.questions:
            return None
        for number, message in await self.desk.unread(self.state.waits.read):
            value = _as_answer(asking, message.value)
            if number in self.state.waits.read or value is None:
                continue
            now, name = self.clock.now(), self.state.waits.next_name(asking.call)
            asked = QuestionAsked(
                at=now, call=asking.call, parent=asking.parent, question=name, human=asking.human, text=asking.text,
                answer_schema=asking.schema, digest=asking.digest,
            )  # fmt: skip
            closed = QuestionClosed(at=now, call=asking.call, question=name, by="answer", value=value, who=message.who, message=number)
            await self.commits.commit(asked, closed)
            return closed
        return None


def variables(text: str, arguments: Json) -> dict[str, Json]:
    """Return the variables of an ask: as they are given by name, or the one value for its only variable."""
    if arguments is None:
        return {}
    if isinstance(arguments, Mapping):
        return dict(arguments)
    from jinja2 import meta  # noqa: PLC0415 - only for `with: REF` of one value

    names = sorted(meta.find_undeclared_variables(prompts.environment().parse(text)))
    return dict.fromkeys(names, arguments)


def _schema(human: HumanPlan) -> Any:
    return None if human.answer is None else values.adapter(human.answer).json_schema()


def _typed(human: HumanPlan, value: Json) -> object:
    return value if human.answer is None else values.parse(values.resolve(human.answer), value)


def _fits(human: HumanPlan, value: Json) -> bool:
    try:
        _typed(human, value)
    except Semantic:
        return False
    return True


def _why_not(asking: Asking, asked: QuestionAsked, value: Json) -> str | None:
    """Return why an answer is none to what is asked now, or None where it is one."""
    reason = unfit(asked.model_copy(update={"answer_schema": asking.schema}), value)
    if reason is not None:
        return reason
    try:
        asking.check(value)
    except Failure as error:
        return error.message
    return None


def _as_answer(asking: Asking, text: Json) -> Json:
    """Return a message as the answer that a question wants, or None where it is none."""
    asked = QuestionAsked(
        at=0.0, call=asking.call, parent=asking.parent, question="", human=asking.human, text="", answer_schema=asking.schema
    )
    try:
        return values.dump(asking.check(parse(asked, str(text))))
    except (Failure, Refused):
        return None


def _edits(check: Callable[[Json], object] | None) -> Callable[[Json], object]:
    def judge(value: Json) -> object:
        return check(value["arguments"]) if check is not None and _word(value) == "edit" else value

    return judge


def _approved(request: CallRequest, closed: QuestionClosed, events: tuple[QuestionClosed, ...]) -> Approved:
    word = _word(closed.value)
    if word == "approve":
        return Approved(events=events)
    if word == "edit":
        return Approved(arguments=closed.value["arguments"], events=events)
    reason = closed.value.get("reason") if isinstance(closed.value, dict) else None
    who = request.approval.human if request.approval is not None else "somebody"
    raise Denied(f"{who} denied {request.name}{f': {reason}' if reason else ''}", type_name="Denied")


def _default(asking: Asking, human: HumanPlan) -> Json:
    """Return a person's default as a value, or as a verdict: ``default: deny``."""
    if asking.about == "question" or isinstance(human.default, dict):
        return human.default
    return {"verdict": str(human.default)}


def _word(verdict: Json) -> str:
    return str(verdict.get("verdict", "")) if isinstance(verdict, dict) else ""


def _fields(arguments: Json) -> dict[str, Json]:
    return dict(arguments) if isinstance(arguments, dict) else {}
