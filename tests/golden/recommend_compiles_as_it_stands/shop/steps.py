"""The decisions of the shop, in Python."""

from __future__ import annotations

from asyncio import gather
from typing import Any, Literal

from darner import Ask, Call

from .types import Finding, Help, Plan, Product, Ranked, Request, Review, State, Table, Task


def choose(plan: Plan) -> Literal["research", "clarify"]:
    return plan.kind


def ask_back(request: Request) -> Ranked:
    return Ranked(items=[], question=f"What do you mean by {request.text}?")


async def research(
    plan: Plan,
    researcher: Call[Task, list[Finding]],
    reviewer: Call[State, Review],
    run_python: Call[Any, Table],
    merchandiser: Ask[Help],
) -> State:
    state = State(plan=plan, findings=[])
    while not (review := await reviewer(state)).ok:
        found = await gather(*(researcher(task) for task in review.missing))
        await run_python(code=review.code)
        state = State(plan=plan, findings=[*state.findings, *(one for some in found for one in some)])
        if not found:
            await merchandiser(problem=plan.query)
    return state


def rank(state: State, hits: list[Product]) -> Ranked:
    return Ranked(items=hits[: len(state.findings)])
