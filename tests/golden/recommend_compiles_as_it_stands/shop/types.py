"""The types of the shop."""

from typing import Literal

from pydantic import BaseModel


class Product(BaseModel):
    product_id: str
    title: str
    description: str
    price: float


class Enriched(Product):
    category: str
    colours: list[str]


class Embedded(Enriched):
    vector: list[float]


class Request(BaseModel):
    text: str
    budget: float | None = None


class Task(BaseModel):
    question: str


class Finding(BaseModel):
    claim: str
    product_ids: list[str]


class Plan(BaseModel):
    query: str
    kind: Literal["research", "clarify"]
    hold_first: bool
    tasks: list[Task]


class State(BaseModel):
    plan: Plan
    findings: list[Finding]


class Review(BaseModel):
    ok: bool
    missing: list[Task]
    code: str


class Table(BaseModel):
    rows: list[list[str]]


class Help(BaseModel):
    advice: str


class Ranked(BaseModel):
    items: list[Product]
    question: str | None = None
