"""Two shapes of an order that differ deep inside."""

from pydantic import BaseModel


class Line(BaseModel):
    amount: str


class Order(BaseModel):
    number: str
    lines: list[Line]


class PayableLine(BaseModel):
    amount: float


class Payable(BaseModel):
    lines: list[PayableLine]


def pay(order: Payable) -> Payable:
    return order
