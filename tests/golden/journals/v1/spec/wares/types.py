"""What is passed along."""

from __future__ import annotations

from pydantic import BaseModel


class Order(BaseModel):
    """What is ordered."""

    customer: str
    skus: list[str]


class Answer(BaseModel):
    """What the customer says."""

    yes: bool


class Visit(BaseModel):
    """How a visit went."""

    began: str
    number: str
    prices: list[int]
