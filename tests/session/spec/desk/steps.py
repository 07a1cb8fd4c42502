"""The decisions of the session."""

from __future__ import annotations

import asyncio
from typing import Any

import darner
from darner import Bail, Call, Continue, Stop

from .types import Critique, Finding, Survey, Text, Topic, Wish

ROUNDS = 4


async def survey(
    wish: Wish,
    researcher: Call[Topic, Finding],
    critic: Call[Text, Critique],
    reserve: Call[Any, str],
) -> Survey:
    """Research all topics at once; have each finding criticised, some twice; put each aside under a number of its own."""

    async def one(topic: str) -> tuple[str, str]:
        number = str(darner.uuid())
        finding = await researcher(Topic(topic=topic))
        critique = await critic(Text(text=finding.claim))
        if topic in wish.topics[:3]:
            critique = await critic(text=f"{finding.claim}, {critique.verdict}")
        await reserve(item=topic, number=number)
        return f"{finding.claim}: {critique.verdict}", number

    found = await asyncio.gather(*(one(topic) for topic in wish.topics))
    return Survey(lines=[line for line, _ in found], numbers=[number for _, number in found])


def next_topic(survey: Survey, number: int) -> Topic:
    """Return what a round looks into."""
    return Topic(topic=f"{len(survey.lines)} things in round {number}")


def enough(survey: Survey, finding: Finding, critique: Critique, held: str, number: int) -> Continue[Survey] | Stop[Survey] | Bail:
    """Go round four times; what is left in the end is two lines."""
    if not held:
        return Bail("nothing was held")
    grown = survey.model_copy(update={"lines": [*survey.lines, f"{finding.claim}: {critique.verdict}"], "rounds": number})
    if number < ROUNDS:
        return Continue(grown)
    return Stop(grown.model_copy(update={"lines": grown.lines[-2:]}))
