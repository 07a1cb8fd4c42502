"""A loop whose parts don't fit together."""

from pydantic import BaseModel

from darner import Bail, Continue, Stop


class Request(BaseModel):
    text: str


class Draft(BaseModel):
    text: str
    score: float


def more(draft: Draft) -> Draft:
    return draft


def never(draft: Draft) -> Draft:
    return draft


def enough(draft: Draft) -> Continue[Draft] | Stop[Draft] | Bail:
    return Stop(draft)
