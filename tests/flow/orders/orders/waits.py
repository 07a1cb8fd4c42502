"""A step that blocks its thread."""

from __future__ import annotations

import time
from pathlib import Path

from .steps import Split


def until_there(path: str, split: Split) -> int:
    """Wait until a file is there, and fail if it says so."""
    while not Path(path).exists():
        time.sleep(0.02)
    if Path(path).read_text() == "broken":
        msg = "the gate is broken"
        raise ValueError(msg)
    return len(split.skus)
