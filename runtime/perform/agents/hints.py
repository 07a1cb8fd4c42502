"""What people say to an agent that had failed: new messages behind its last good turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, UserPromptPart

from .compaction import Compacted


class HintDue(Exception):
    """Something is about to be asked that nobody has paid for yet, and a hint was not said so far."""


@dataclass
class Hints:
    """Hints in the order in which they were given, and where each of them stands in one call's conversation.

    A hint is said where the first thing has to be asked that is not on record: all good turns before it are served as they
    were. So it needs no place in the journal: whoever goes on with the call finds the same one.
    """

    texts: Sequence[str]
    _places: list[int] = field(default_factory=list)
    """Of each that was said: how many answers stand before it."""

    @property
    def are_due(self) -> bool:
        """Whether one was not said yet."""
        return len(self._places) < len(self.texts)

    def say(self, messages: Sequence[ModelMessage], kept: Compacted) -> Compacted:
        """Say the next one at the end of a conversation; return what was made shorter of it with the hint, where that is its end."""
        answered = sum(isinstance(one, ModelResponse) for one in messages)
        text = self.texts[len(self._places)]
        self._places.append(answered)
        if not kept.messages or kept.answered < answered or not isinstance(kept.messages[-1], ModelRequest):
            return kept
        return replace(kept, messages=(*kept.messages[:-1], _with(kept.messages[-1], [text])))

    def over(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """Return a conversation with all that were said, each at its place."""
        if not self._places:
            return list(messages)
        found, answered = list[ModelMessage](), 0
        for index, message in enumerate(messages):
            answered += isinstance(message, ModelResponse)
            here = [text for text, place in zip(self.texts, self._places, strict=False) if place == answered]
            is_last = index + 1 == len(messages) or isinstance(messages[index + 1], ModelResponse)
            found.append(_with(message, here) if here and is_last and isinstance(message, ModelRequest) else message)
        return found


def _with(message: ModelRequest, texts: Sequence[str]) -> ModelRequest:
    return replace(message, parts=[*message.parts, *map(UserPromptPart, texts)])
