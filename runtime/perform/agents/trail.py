"""What a model answered since something new was last said to it: if its answers are refused for good, that is asked anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic_ai.messages import ModelMessage, RetryFeedbackPart, ToolReturnPart

from ...failures import Failure, Semantic
from ...ports import Boundary

_F = TypeVar("_F", bound=Failure)


def is_feedback(messages: Sequence[ModelMessage]) -> bool:
    """Return whether the newest message brings nothing new: neither the prompt nor a tool's result, only what was wrong."""
    news = (part for part in messages[-1].parts if isinstance(part, ToolReturnPart) and part.outcome != "retried")
    return len(messages) > 1 and next(news, None) is None


@dataclass
class Trail:
    """The newest answers of one agent's model, and the calls that they led to, by identity.

    Args:
        agent: its name.
        attempts: how many answers in a row may be refused.
    """

    agent: str
    attempts: int
    answers: int = 0
    calls: list[str] = field(default_factory=list)

    def begin(self, messages: Sequence[ModelMessage]) -> None:
        """Hear what a model is about to be asked; `Semantic` where its answers were refused often enough.

        The loop counts by tool: a model that is wrong about another one each time would never be given up.
        """
        if self.answers == 0 or not is_feedback(messages):
            self.answers, self.calls = 0, []
        elif self.answers >= self.attempts:
            why = told(messages)
            raise self.blamed(Semantic(f"the agent {self.agent} gave no acceptable answer in {self.answers} attempts: {why}"))
        self.answers += 1

    def note(self, boundary: Boundary, parent: str) -> None:
        """Keep the call that has just given its result."""
        last = boundary.last(parent)
        self.calls += [] if last is None else [last]

    def blamed(self, failure: _F) -> _F:
        """Return a failure that knows which answers were refused: they are asked anew once it is tried again."""
        failure.calls = (*failure.calls, *self.calls)
        return failure


def told(messages: Sequence[ModelMessage]) -> str:
    """Return what was wrong with a model's newest answer, as it is told."""
    words = [str(part.content) for part in messages[-1].parts if isinstance(part, RetryFeedbackPart | ToolReturnPart)]
    return words[-1] if words else "nothing that it was asked for"
