"""The model of a run of chance: it answers, asks for tools, fails by script, and bills each request at a price of its own.

Real agents ask it, through pydantic-ai; only the provider is made up. What it bills lies between the least and the most that
is reckoned of a request beforehand, so budgets can be held to what they promise.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from darner.compiler.settings import Price
from darner.runtime.amounts import Usage, cost
from darner.runtime.failures import FAILURES, Failure
from darner.runtime.keys import digest
from darner.runtime.perform.agents.estimates import estimate
from darner.runtime.perform.agents.requests import request_arguments

from .town import HANGS, TOWN, Charge, Town

PRICES = {"small": {"input": "1000 USD", "output": "5000 USD"}, "large": {"input": "9000 USD", "output": "30000 USD"}}
"""For a million tokens."""
LONGEST = {"small": 60, "large": 200}
TURNS = 3


class Question(BaseModel):
    """What an agent is asked."""

    what: Any = None


class Said(BaseModel):
    """What an agent answers: what anything in the town comes to."""

    flag: bool
    list: list[int]
    number: int


@dataclass
class _Request:
    """One request, as the oracle reads it."""

    key: str
    least: int
    most: int
    answered: int
    """How many answers the conversation has already."""

    @classmethod
    def of(cls, messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> _Request:
        sent = request_arguments(messages, {}, parameters)
        reckoned = estimate("oracle", sent, parameters, None, None)
        return cls(digest(sent)[:16], reckoned.least, reckoned.most, sum(isinstance(one, ModelResponse) for one in messages))


class Oracle(Model):
    """Answers by what it is asked, and nothing else; ``story`` keeps its limits apart from those of other stories."""

    def __init__(self, name: str, max_tokens: int, story: str = "") -> None:
        super().__init__(settings=ModelSettings(max_tokens=max_tokens))
        self._name = name
        self._longest = max_tokens
        del story

    @property
    def model_name(self) -> str:
        """Its name."""
        return self._name

    @property
    def system(self) -> str:
        """Its provider."""
        return "town"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,  # noqa: ARG002 - the shape of a model
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Answer once, or fail."""
        town, asked = TOWN.get(), _Request.of(messages, model_request_parameters)
        script, number = town.script(asked.key), town.bodies[asked.key]
        town.bodies[asked.key] += 1
        fault = script.faults[number] if number < len(script.faults) else script.ever
        with town.under_way("oracle"):
            await asyncio.sleep(HANGS if fault is not None and fault.kind == "hangs" else script.seconds)
        if fault is not None and fault.kind != "hangs":
            self._fail(town, asked, fault.kind, fault.retry_after)
        town.answers[asked.key] += 1
        charge = self._bill(town, asked)
        used = RequestUsage(input_tokens=charge.input_tokens, output_tokens=charge.output_tokens)
        part = self._said(asked, model_request_parameters)
        return ModelResponse(parts=[part], usage=used, model_name=self._name, provider_response_id=str(charge.number))

    def _bill(self, town: Town, asked: _Request) -> Charge:
        chance = random.Random(f"{town.seed} bill {asked.key}")
        sent = asked.least + int(town.dear * chance.random() * (asked.most - asked.least))
        told = chance.randint(1, self._longest)
        money = cost(Price.model_validate(PRICES[self._name]), sent, told)
        return town.bill(sent, told, money, over=sent - asked.least, dearer=self._dearer(sent - asked.least))

    def _dearer(self, tokens: int) -> Decimal:
        return cost(Price.model_validate(PRICES[self._name]), tokens, 0)

    def _fail(self, town: Town, asked: _Request, kind: Any, retry_after: float | None) -> None:
        """Fail; every other failure tells what it used all the same."""
        failure: Failure = FAILURES[kind]("a failure of chance", retry_after=retry_after)
        if int(asked.key[-1], 16) % 2:
            charge = self._bill(town, asked)
            failure.help = f"billed as {charge.number}"  # not in the message, which models are told: it would change what they are asked
            failure.usage = Usage(1, charge.input_tokens, charge.output_tokens, charge.cost)
        raise failure

    def _said(self, asked: _Request, parameters: ModelRequestParameters) -> ToolCallPart | TextPart:
        chance = random.Random(f"says {asked.key}")
        number = chance.randrange(2**31)
        if parameters.function_tools and asked.answered < TURNS and chance.random() < 0.5:
            tool = chance.choice(sorted(one.name for one in parameters.function_tools))
            return ToolCallPart(tool, json.dumps({"what": ["oracle", number]}))
        if not parameters.output_tools:  # a conversation that was too long is to be told shorter
            return TextPart(f"in short: {number}")
        value = Said(flag=number % 3 != 0, list=list(range(number % 4)), number=number)
        return ToolCallPart(parameters.output_tools[0].name, value.model_dump_json())
