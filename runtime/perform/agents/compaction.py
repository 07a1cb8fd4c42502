"""A conversation that is too long for its model's window, made shorter: what is old is summarised, what is new stays.

Kept as they are: the prompt of the call that is under way, and the newest exchanges. What lies before them is summarised by
the model itself, in a request of its own, whose answer is on record like any other. What can't be summarised (the summary
is too long a question, too) is left out, and the model is told so. A single result that alone fills the window keeps its
beginning and its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart

LETTERS_PER_TOKEN = 3
"""Reckoned low: what is cut too long would have to be cut again."""
LEAST = 120
"""Letters of one entry below which older ones are left out instead."""
ASK = """Below is what was said and done so far in a conversation that has become too long. Summarise it for yourself, so that \
you can go on without it: the task, what was found out (names, numbers and identifiers exactly), what was done already and \
must not be done again, what is still open. Write the summary and nothing else.

"""
SO_FAR = "What was said and done before this became too long, and was summarised:\n\n"
NOTHING = "What was said and done before this became too long, and was left out."
_WINDOWS = (
    re.compile(r"maximum context length (?:is|of) (\d[\d,]*)", re.IGNORECASE),
    re.compile(r"> (\d[\d,]*) maximum", re.IGNORECASE),
    re.compile(r"maximum number of tokens allowed \(?(\d[\d,]*)", re.IGNORECASE),
    re.compile(r"context (?:window|length|size)[^\d]{0,40}(\d[\d,]*)", re.IGNORECASE),
)
"""How providers say how large the window is: OpenAI and vLLM, Anthropic, Google, llama.cpp and darner."""


def window_in(words: str) -> int | None:
    """Return the window that a provider's refusal names, in tokens; None where it names none."""
    found = (pattern.search(words) for pattern in _WINDOWS)
    return next((int(one[1].replace(",", "")) for one in found if one is not None), None)


def half_of(messages: Sequence[ModelMessage]) -> int:
    """Return the tokens of half a conversation: a window that it surely doesn't fill, where nobody says how large it is."""
    told = next((one.usage.total_tokens for one in reversed(messages) if isinstance(one, ModelResponse)), 0)
    letters = sum(len(entry) for one in messages for entry in _entries(one))
    return max(told, letters // LETTERS_PER_TOKEN) // 2


@dataclass(frozen=True)
class Cut:
    """A conversation cut in two. ``room`` is in letters."""

    prompt: UserPromptPart
    old: tuple[ModelMessage, ...]
    newest: tuple[ModelMessage, ...]
    answered: int
    """How many answers the whole conversation holds: by them it is found again when it has grown."""
    room: int

    def question(self) -> list[ModelMessage] | None:
        """Return what the model is asked for a summary with; None where there is nothing old."""
        entries = [entry for message in self.old for entry in _entries(message)]
        return [ModelRequest(parts=[UserPromptPart(ASK + _fitting(entries, self.room))])] if entries else None

    def shortened(self, summary: str | None) -> list[ModelMessage]:
        """Return the conversation with a summary in the place of what is old; None says that there is none."""
        told = [UserPromptPart(SO_FAR + summary if summary else NOTHING)] if self.old else []
        return [ModelRequest(parts=[self.prompt, *told]), *self.newest]


@dataclass(frozen=True)
class Compacted:
    """The beginning of a conversation, made shorter for good."""

    answered: int = 0
    messages: tuple[ModelMessage, ...] = ()

    def over(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """Return a conversation with its beginning made shorter; itself where it wasn't."""
        if not self.messages:
            return list(messages)
        answers = [index for index, one in enumerate(messages) if isinstance(one, ModelResponse)]
        rest = messages[answers[self.answered] :] if len(answers) > self.answered else ()
        return [*self.messages, *rest]


def cut(messages: Sequence[ModelMessage], prompt: str, tokens: int) -> Cut | None:
    """Return a conversation cut in two, for a window of so many tokens; None where nothing could be made shorter.

    Args:
        messages: all of it; the newest is what the model was about to be sent.
        prompt: the prompt of the call that is under way.
        tokens: the window, or what is taken for it.
    """
    room = tokens * LETTERS_PER_TOKEN // 2
    at, part = _place(messages, prompt)
    around = [one for one in messages[at].parts if one is not part]
    begin = _newest(messages, at + 1, room // 2)
    if begin == at + 1 and not at:
        begin = _newest(messages, at + 1, 0)  # by our own reckoning all of it fits, and it doesn't
    newest = tuple(_trimmed(message, room // 4) for message in messages[begin:])
    before: list[ModelMessage] = [*messages[:at], *([ModelRequest(parts=around)] if around else []), *messages[at + 1 : begin]]  # type: ignore[arg-type]
    if not before and newest == tuple(messages[begin:]):
        return None
    answered = sum(isinstance(one, ModelResponse) for one in messages)
    return Cut(part, tuple(before), newest, answered, room)


def _place(messages: Sequence[ModelMessage], prompt: str) -> tuple[int, UserPromptPart]:
    """Return the message that holds the prompt of the call under way, and the prompt in it."""
    found = [
        (index, part)
        for index, message in enumerate(messages)
        for part in message.parts
        if isinstance(part, UserPromptPart) and part.content == prompt
    ]
    return found[-1] if found else (0, UserPromptPart(prompt))


def _newest(messages: Sequence[ModelMessage], first: int, room: int) -> int:
    """Return where the newest exchanges begin that fit: always with an answer, and with at least one where there is one."""
    begin, size = len(messages), 0
    for index in range(len(messages) - 1, first - 1, -1):
        size += sum(map(len, _entries(messages[index])))
        if isinstance(messages[index], ModelResponse):
            if begin < len(messages) and size > room:
                break
            begin = index
    return begin


def _trimmed(message: ModelMessage, most: int) -> ModelMessage:
    """Return a message whose results keep their beginning and their end where they are larger than ``most`` letters."""
    if isinstance(message, ModelResponse):
        return message
    parts = [_trimmed_part(part, most) for part in message.parts]
    return message if all(one is other for one, other in zip(parts, message.parts, strict=True)) else replace(message, parts=parts)


def _trimmed_part(part: Any, most: int) -> Any:
    text = _text(part.content) if type(part) is ToolReturnPart else ""
    return replace(part, content=_middle_out(text, most)) if len(text) > most else part


def _middle_out(text: str, most: int) -> str:
    half = most // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} letters left out …]\n{text[len(text) - half :]}"


def _fitting(entries: Sequence[str], room: int) -> str:
    """Return entries as one text of at most about ``room`` letters: each shorter, and the oldest left out where that isn't enough."""
    most = max(map(len, entries))
    while most > LEAST and sum(min(len(one), most) for one in entries) > room:
        most //= 2
    cut_down = [one if len(one) <= most else _middle_out(one, most) for one in entries]
    left_out = 0
    while len(cut_down) - left_out > 1 and sum(map(len, cut_down[left_out:])) > room:
        left_out += 1
    note = [f"[{left_out} older entries left out]"] if left_out else []
    return "\n".join((*note, *cut_down[left_out:]))


def _entries(message: ModelMessage) -> Iterator[str]:
    """Yield what a message says, a line for each of its parts."""
    for part in message.parts:
        if isinstance(part, ToolCallPart):
            yield f"you called {part.tool_name} with {part.args_as_json_str()}"
        elif isinstance(part, ToolReturnPart):
            yield f"{part.tool_name} gave: {_text(part.content)}"
        elif (text := _text(getattr(part, "content", None))) and getattr(part, "part_kind", "") != "thinking":
            yield f"{'you' if isinstance(message, ModelResponse) else 'told'}: {text}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
