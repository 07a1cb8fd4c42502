"""An input with parts."""

from pydantic import BaseModel


class Task(BaseModel):
    title: str


class Plan(BaseModel):
    query: str
    tasks: list[Task]


class State(BaseModel):
    plan: Plan
    author: str
