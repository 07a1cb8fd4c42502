"""People are told that they are asked: once for each question, and again as often as they want to be reminded."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from ....compiler.plan import Plan
from ...events import QuestionAsked
from ...failures import Failure
from ...ports import Clock, Json
from ...state import RunState
from ...waits import next_reminder
from ..tools import Tools


@dataclass(frozen=True)
class Telling:
    """Calls the `notify` tool of whoever is asked, through the effect boundary: a crash repeats nothing that was recorded."""

    plan: Plan
    run_id: str
    state: RunState
    clock: Clock
    tools: Tools

    async def tell(self, boundary: Any, asked: QuestionAsked) -> None:
        """Tell of a question what has not been told yet: that it is asked, and a reminder that is due."""
        name = self.plan.humans[asked.human].notify
        if name is None:
            return
        await self._once(boundary, name, asked, 0)
        due = next_reminder(asked, self.clock.now(), self._told(asked))
        if due is not None and due[1] <= self.clock.now():
            await self._once(boundary, name, asked, due[0])

    def _told(self, asked: QuestionAsked) -> set[int]:
        parents = {one.parent for one in self.state.calls.values() if one.what == "tool"}
        return {int(one.rpartition(".")[2]) for one in parents if one.startswith(f"{asked.question}.")}

    async def _once(self, boundary: Any, name: str, asked: QuestionAsked, number: int) -> None:
        parent = f"{asked.question}.{number}"
        known = next((one for one in self.state.calls.values() if one.parent == parent), None)
        if known is not None and (known.payload is not None or known.failures or not self.plan.tools[name].idempotent):
            return
        # A messenger that fails must not lose the question: the failure stands in the ledger, and answers are taken anyhow.
        with contextlib.suppress(Failure):
            await self.tools.call(boundary, name, self._arguments(name, asked, number), parent=parent)

    def _arguments(self, name: str, asked: QuestionAsked, number: int) -> dict[str, Json]:
        known: dict[str, Json] = {
            "run": self.run_id, "question": asked.question, "human": asked.human, "text": asked.text, "due": asked.due,
            "shown": asked.shown, "reminder": number,
        }  # fmt: skip
        taken = self.tools.interface(name).schema.get("properties", {})
        return {key: value for key, value in known.items() if key in taken}
