"""What was said before each write to the sink: which shards, how, and whether it was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from ...compiler.frozen import Frozen
from ..failures import Corrupt
from ..journal import paths
from ..ports import Store


class Intent(Frozen):
    """What a commit is about to write (``sink/<batch>.intent.json``).

    ``again`` takes back that shards were committed, before they are done again: what comes of them is merged by key.
    """

    generation: int
    mode: Literal["append", "upsert", "again"]
    shards: tuple[int, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Announced:
    """An intent with its number, and whether there is a record that it was carried out."""

    number: int
    intent: Intent
    done: bool


def announced(store: Store, job: str, planned: int) -> list[Announced]:
    """Return the intents of a plan of work in their order; `Corrupt` for one that can't be read."""
    folder = paths.sink_intent(job, planned, 0).rpartition("/")[0]
    names = store.names(folder)
    done = {name for name in names if name.endswith(".done.json")}
    return [
        Announced(
            int(name.rpartition("/")[2].partition(".")[0]), _parsed(name, store.get(name)), name.replace(".intent.", ".done.") in done
        )
        for name in names
        if name.endswith(".intent.json")
    ]


def _parsed(name: str, content: bytes) -> Intent:
    try:
        return Intent.model_validate_json(content)
    except ValidationError as error:
        raise Corrupt(f"{name} is damaged: {error.errors()[0]['msg']}", help="what the sink holds is unknown; use another --run") from error
