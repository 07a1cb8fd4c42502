"""What an agent's call goes on with in its conversation: read from the record, back to the last exchange that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..conversations import Conversations
from ..events import CallFailed
from ..failures import ContextLost, Corrupt
from ..known import CallState
from ..ports import CallRequest, Json

LOST = "DamagedConversation"
"""The type of the failure by which a journal tells that something of a conversation was lost."""


@dataclass(frozen=True)
class Earlier:
    """Messages that a call goes on with; the calls whose messages it goes on without, and why."""

    said: list[Json]
    lost: tuple[str, ...] = ()
    why: str = ""


def earlier(request: CallRequest, call: str, conversations: Conversations, load: Callable[[str], Json]) -> Earlier:
    """Return what a call goes on with: an exchange that can't be read, or is none, is lost with all that came after it.

    Raises:
        ContextLost: something can't be read, and it may not be gone back behind that.
    """
    heard, found = conversations.heard(request.name, call), list[Json]()
    for number, one in enumerate(heard):
        said, flaw = _read(request, one, conversations, load)
        if flaw is not None:
            why = f"the conversation of {request.name} can't be read: {flaw}"
            if request.flaw is None:
                raise ContextLost(why, help="`on_failure: {context: {rewind: true}}` goes on with what can be read")
            lost = tuple(heard[number:])
            return Earlier(found, lost, f"{why}; it goes on without the last {len(lost)} of {len(heard)} exchanges")
        found += said
    return Earlier(found)


def _read(request: CallRequest, call: str, conversations: Conversations, load: Callable[[str], Json]) -> tuple[list[Json], str | None]:
    """Return what was said in a call, and why it can't be gone on with; None where it can."""
    try:
        said = [message.value if message.blob is None else load(message.blob) for message in conversations.said(call)]
    except Corrupt as error:
        return [], error.message
    return said, None if request.flaw is None else request.flaw(said)


def former_answers(calls: Iterable[CallState], load: Callable[[str], Json]) -> tuple[Json, ...]:
    """Return the answers of models that were refused for good, as far as they can be read; none where the first can't.

    The first is of the request that is asked for; what was said before that was no answer to it.
    """
    found, first = list[Json](), None
    for call in calls:
        first = call.began if first is None else first
        if call.what == "model" and call.former is not None and (call.began or 0.0) >= (first or 0.0):
            try:
                found.append(call.former.value if call.former.blob is None else load(call.former.blob))
            except Corrupt:
                return tuple(found)
    return tuple(found)


def damaged(request: CallRequest, call: str, attempt: int, found: Earlier, now: float) -> CallFailed:
    """Return the event by which something on record counts no longer: a resume goes on in the same words."""
    return CallFailed(
        at=now, call=call, parent=request.parent, name=request.name, attempt=attempt, failure="context", type=LOST,
        message=found.why, lost=found.lost,
    )  # fmt: skip
