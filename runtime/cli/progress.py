"""How far a job is: a bar on terminals, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from . import console

_EVERY = 5.0
"""Seconds between lines where there is no terminal."""


class JobProgress:
    """Shows rows, rows a second, dead letters, tokens and money, and when it will be over. See `ports.Progress`."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console.err, disable=not console.err.is_terminal)
        self._task = self._bar.add_task("planning", total=None, told="")
        self._told = self._began = time.monotonic()
        self._first_rows: int | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def update(self, counts: Mapping[str, Any]) -> None:
        """Show the newest counts."""
        if "planning" in counts:
            self._show("planning", counts["planning"].get("rows", 0), None, "")
            return
        done, planned = int(counts.get("rows", 0)), int(counts.get("planned", 0))
        self._show(str(counts.get("phase", "rows")), done, planned, self._details(counts, done))

    def _details(self, counts: Mapping[str, Any], done: int) -> str:
        if self._first_rows is None:
            self._first_rows, self._began = done, time.monotonic()
        seconds = time.monotonic() - self._began
        rate = (done - self._first_rows) / seconds if seconds > 1 else 0.0
        calls, tokens, cost = counts.get("used", (0, 0, 0))
        parts = [f"{rate:,.0f} rows/s" if rate else "", f"{counts['dead']:,} dead" if counts.get("dead") else ""]
        parts.append(f"{calls:,} calls, {tokens:,} tokens, {cost:.2f} USD" if calls else "")
        return " · ".join(part for part in parts if part)

    def _show(self, phase: str, done: int, planned: int | None, details: str) -> None:
        self._bar.update(self._task, description=phase, completed=done, total=planned, told=details)
        now = time.monotonic()
        if not console.err.is_terminal and now - self._told >= _EVERY:
            self._told = now
            console.say(f"{phase}: {done:,}{f' of {planned:,}' if planned else ''} rows{f' · {details}' if details else ''}")

    def note(self, text: str) -> None:
        """Show one line that stays."""
        console.say(text)
