"""Steps that call others in plain Python."""

from pydantic import BaseModel

from darner import Ask, Call


class Request(BaseModel):
    text: str


class Priced(BaseModel):
    price: float


async def research(request: Request, planner: Call[Request, Priced], human: Ask[bool]) -> Priced:
    return await planner(request)


async def alone(request: Request, planner: Call[Request, Priced]) -> Priced:
    return await planner(request)


def plain(request: Request) -> Priced:
    return Priced(price=0)
