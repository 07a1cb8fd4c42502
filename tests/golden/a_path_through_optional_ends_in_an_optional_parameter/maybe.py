"""An order whose customer may be unknown."""

from pydantic import BaseModel


class Customer(BaseModel):
    name: str


class Order(BaseModel):
    customer: Customer | None = None


def greet(name: str) -> str:
    return name


def ask(name: str | None) -> str:
    return name or "who are you?"
