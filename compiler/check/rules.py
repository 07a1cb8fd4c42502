"""The rules, in the order in which they look; each reports everything that it finds."""

from __future__ import annotations

from collections.abc import Callable

from ..diagnostics import Findings
from ..pipeline import Pipeline

Rule = Callable[[Pipeline, Findings], None]

RULES: tuple[Rule, ...] = ()
