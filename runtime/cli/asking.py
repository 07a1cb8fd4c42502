"""A person at the terminal, asked there and then."""

from __future__ import annotations

import asyncio
import sys
import threading

from .. import answers, questions
from ..events import QuestionAsked
from ..failures import Refused
from ..perform.people import replies
from ..perform.people.desk import Asker
from ..perform.world import SystemClock
from ..ports import Store
from . import console, running


def terminal(store: Store, run_id: str) -> Asker | None:
    """Return who asks at this terminal, or None where there is none."""
    return TerminalAsker(store, run_id) if sys.stdin.isatty() and console.err.is_terminal else None


class TerminalAsker:
    """Shows a question, reads a line, and puts it on the desk, where it competes with answers from elsewhere."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._line: asyncio.Future[str] | None = None

    async def __call__(self, asked: QuestionAsked) -> bool:
        """Ask until an answer fits; False at the end of input: whoever sat there has gone."""
        console.say("\n".join(questions.lines(asked)))
        while True:
            console.err.print("> ", end="")
            line = await self._read()
            if not line:
                return False
            if not line.strip():
                continue
            try:
                value = answers.parse(asked, line.rstrip("\n"))
                replies.answer(self._store, self._run_id, asked, value, running.account(), SystemClock())
            except Refused as wrong:
                console.complain(wrong.message, wrong.help)
                if "is closed" in wrong.message:
                    return True
            else:
                return True

    async def _read(self) -> str:
        """Return the next line. A question that was given up leaves its reader behind, and the next one takes its line."""
        if self._line is None:
            loop = asyncio.get_running_loop()
            self._line = loop.create_future()
            threading.Thread(target=_reader, args=(loop, self._line), daemon=True, name="darner-terminal").start()
        line = await asyncio.shield(self._line)
        self._line = None
        return line


def _reader(loop: asyncio.AbstractEventLoop, line: asyncio.Future[str]) -> None:
    text = sys.stdin.readline()
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: None if line.done() else line.set_result(text))
