"""A text that gets better round by round."""

from __future__ import annotations

from pydantic import BaseModel

from darner import Bail, Continue, Stop


class Draft(BaseModel):
    """What goes round."""

    text: str
    score: int = 0
    notes: list[str] = []


class Wish(BaseModel):
    """What a run is asked for."""

    text: str
    goal: int
    give_up_at: int = 99


def first(wish: Wish) -> Draft:
    """Return what the first round begins with."""
    return Draft(text=wish.text)


def is_long(draft: Draft) -> bool:
    """Branch."""
    return len(draft.text) > 4


def shorten(draft: Draft) -> str:
    """Leave the last letter out."""
    return draft.text[:-1]


def words(draft: Draft, round: int) -> list[str]:  # noqa: A002 - the loop's own word
    """Return what a mapped step goes over: one word more each round."""
    return [f"{draft.text}{number}" for number in range(round)]


def note(word: str, wish: Wish) -> str:
    """Read an item, and a step outside of the loop."""
    return f"{word}@{wish.goal}"


def judge(draft: Draft, notes: list[str], shorter: str | None, number: int, wish: Wish) -> Continue[Draft] | Stop[Draft] | Bail:
    """Go on until the score is good."""
    better = Draft(text=shorter or draft.text, score=draft.score + 10, notes=[*draft.notes, *notes])
    if number >= wish.give_up_at:
        return Bail(f"nobody likes {draft.text}")
    return Stop(better) if better.score >= wish.goal else Continue(better)


def tell(draft: Draft) -> str:
    """Read what a loop came to."""
    return f"{draft.text} {draft.score} {len(draft.notes)}"
