"""What the agency and its travellers speak of."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Traveller(BaseModel):
    """Who travels."""

    name: str


class Request(BaseModel):
    """What the planner is told."""

    traveller: str
    wish: str


class Offer(BaseModel):
    """What the planner proposes."""

    hotel: str
    nights: int = Field(ge=1, le=30)


class Farewell(BaseModel):
    """How a journey ended."""

    booking: str
    heard: str
