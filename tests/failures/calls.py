"""Tools that agents of these tests call."""

from __future__ import annotations

from pathlib import Path

from darner import Semantic

from ..agents.shop import Answer, Question


def counted(log: str) -> int:
    """Tell how often it was asked."""
    with Path(log).open("a", encoding="utf-8") as file:
        file.write("asked\n")
    return len(Path(log).read_text(encoding="utf-8").splitlines())


def page(number: int, lines: int = 14) -> str:
    """Read a page."""
    return "\n".join(f"page {number}, line {line}" for line in range(lines))


def picky(item: str, log: str) -> str:
    """Take only what is in the catalogue."""
    if item not in Path(log).read_text(encoding="utf-8").split():
        msg = f"{item} is not in the catalogue"
        raise Semantic(msg)
    return f"a {item}"


def length(text: str) -> int:
    """Tell how long a text is."""
    return len(text)


def reason(asked: Question, answer: Answer) -> str:
    """Say what is accepted, where it is something else: in other words than before once the file was changed."""
    words = Path(asked.city).read_text(encoding="utf-8").split()
    return "" if answer.text in words else f"say one of {', '.join(words)}"


def is_listed(asked: Question, answer: Answer) -> bool:
    """Accept what stands in a file: whoever changes that has changed the check."""
    return answer.text in Path(asked.city).read_text(encoding="utf-8").split()
