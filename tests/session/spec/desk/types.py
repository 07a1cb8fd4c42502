"""What goes from hand to hand."""

from __future__ import annotations

from pydantic import BaseModel


class Wish(BaseModel):
    """What a run is asked for."""

    topics: list[str]


class Topic(BaseModel):
    """What is looked into."""

    topic: str


class Text(BaseModel):
    """What is judged."""

    text: str


class Finding(BaseModel):
    """What was found."""

    claim: str


class Critique(BaseModel):
    """What is thought of it."""

    verdict: str


class Survey(BaseModel):
    """What comes of it all."""

    lines: list[str]
    numbers: list[str]
    rounds: int = 0
