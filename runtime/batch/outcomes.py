"""What comes out of a stage for one row: a value, nothing on purpose, or a dead letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from ...compiler.settings import FailureClass
from .model import writable


@dataclass(frozen=True, slots=True)
class Done:
    """The row goes on as ``value``."""

    value: Any


@dataclass(frozen=True, slots=True)
class Filtered:
    """The callable gave None, or its failure policy says skip: the row goes no further, and that is recorded."""


@dataclass(frozen=True, slots=True)
class Dead:
    """The row could not be done."""

    failure: FailureClass
    type: str
    message: str
    attempts: int = 1


Outcome: TypeAlias = Done | Filtered | Dead

_FIELDS: dict[str, Any] = {
    "_key": pa.string(),
    "_version": pa.binary(16),
    "stage": pa.string(),
    "failure": pa.string(),
    "type": pa.string(),
    "message": pa.string(),
    "attempts": pa.int64(),
    "input": pa.string(),
}
DEAD_SCHEMA = pa.schema(_FIELDS)
"""Dead letters as a table; ``input`` is the JSON of what the stage was passed."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead row with what is needed to look into it."""

    key: str
    version: bytes | None
    stage: str
    dead: Dead
    input: str

    def row(self) -> dict[str, Any]:
        """Return the letter as a row of `DEAD_SCHEMA`."""
        why = self.dead
        return {
            "_key": self.key,
            "_version": self.version,
            "stage": self.stage,
            "failure": why.failure,
            "type": writable(why.type),
            "message": writable(why.message),
            "attempts": why.attempts,
            "input": self.input,
        }
