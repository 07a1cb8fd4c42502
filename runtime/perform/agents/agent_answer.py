"""An agent's answer: the type that its model is asked for, and whether what came is acceptable."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from ....compiler.plan import AgentPlan
from ...exceptions import said
from ...failures import CallableError, DarnerError, Semantic
from .. import values
from ..tool_schema import typed_dict


class Answer:
    """What one agent has to answer. ``asked`` is the Python type for its model."""

    def __init__(self, agent: AgentPlan) -> None:
        self._agent = agent
        self._whole = values.adapter(agent.output)
        whole = values.resolve(agent.output)
        self.asked: Any = whole if agent.new_fields is None else fields_of(whole, agent.new_fields)
        self._check = values.load(agent.check) if agent.check else None

    async def accept(self, given: Any, answer: Any) -> Any:
        """Return an answer made whole; `Semantic` says why it is not acceptable, `CallableError` that the check is broken."""
        whole = answer if self._agent.new_fields is None else self._completed(given, answer)
        if self._check is not None:
            await self._judge(given, whole)
        return whole

    def _completed(self, given: Any, answer: Any) -> Any:
        try:
            return self._whole.validate_python({**values.dump(given), **values.dump(answer)})
        except ValidationError as error:
            raise Semantic(values.explain(error)) from error

    async def _judge(self, given: Any, answer: Any) -> None:
        """Ask the check: it takes the answer, or the input with it; False, a text or a ValueError refuses."""
        check: Any = self._check
        arguments = (answer,) if len(inspect.signature(check).parameters) == 1 else (given, answer)
        try:
            verdict = check(*arguments)
            verdict = await verdict if inspect.isawaitable(verdict) else verdict
        except DarnerError:
            raise
        except (ValueError, AssertionError) as refusal:
            raise Semantic(said(refusal) or f"{self._agent.check} refuses the answer") from refusal
        except Exception as error:
            msg = f"{self._agent.check} raised {type(error).__name__}: {said(error)}"
            raise CallableError(msg, type_name=type(error).__name__) from error
        if verdict is False or (isinstance(verdict, str) and verdict):
            raise Semantic(verdict or f"{self._agent.check} refuses the answer")


def fields_of(whole: Any, fields: Sequence[str]) -> Any:
    """Return a type with only those fields of a record type that are asked for."""
    name = f"{whole.__name__}Fields"
    if isinstance(whole, type) and issubclass(whole, BaseModel):
        kept: dict[str, Any] = {field: (whole.model_fields[field].annotation, whole.model_fields[field]) for field in fields}
        return create_model(name, __doc__=whole.__doc__, **kept)
    hints = typing.get_type_hints(whole, include_extras=True)
    return typed_dict(name, {field: hints[field] for field in fields})
