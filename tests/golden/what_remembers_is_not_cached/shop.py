"""What the spec beside this file names."""

from typing import Literal

from pydantic import BaseModel


class Request(BaseModel):
    text: str


class Plan(BaseModel):
    query: str
    kind: Literal["research", "clarify"]
    urgent: bool
    tasks: list[str]


class Answer(BaseModel):
    text: str


def make(request: Request) -> Plan:
    return Plan(query=request.text, kind="research", urgent=False, tasks=[])


def choose(plan: Plan) -> Literal["research", "clarify"]:
    return plan.kind


def answer(plan: Plan, limit: int = 10) -> Answer:
    return Answer(text=plan.query[:limit])


def search(query: str, limit: int = 10) -> list[str]:
    return [query] * limit


def fine(request: Request, answer: Answer) -> bool:
    return request.text != answer.text
