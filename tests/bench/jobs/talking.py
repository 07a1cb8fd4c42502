"""A conversation with a model, turn by turn, and how large the store is after each."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from darner import Call

SIZES: list[int] = []
"""How many bytes the store holds: before the first turn, and after each."""
WORDS = "word " * 200
AHEAD = 1 << 20
"""Bytes at the end of a file that may be room."""


class Talk(BaseModel):
    """How many turns it has, and where the store is."""

    turns: int
    folder: str


class Said(BaseModel):
    """What the user says."""

    text: str


async def talk(turns: int, folder: str, listener: Call[Said, str]) -> int:
    """Say something, and hear the answer, again and again; return how many letters were said."""
    letters = 0
    SIZES.append(_size(folder))
    for turn in range(turns):
        said = f"{turn} {WORDS}"
        letters += len(said) + len(await listener(Said(text=said)))
        SIZES.append(_size(folder))
    return letters


def _size(folder: str) -> int:
    return sum(_filled(one) for one in Path(folder).rglob("*") if one.is_file())


def _filled(file: Path) -> int:
    """Return a file's bytes without the zeros that a journal puts at its end to make room for what comes."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        opened.seek(max(size - AHEAD, 0))
        tail = opened.read()
    return size - len(tail) + len(tail.rstrip(b"\0"))
