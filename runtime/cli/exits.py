"""Exit codes, the contract with scripts."""

from __future__ import annotations

DONE = 0
FAILED = 1
WRONG = 2
WAITING = 3
INTERRUPTED = 130
BUG = 70
