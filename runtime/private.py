"""What is about a person is hidden wherever a run is shown: the values of fields that are marked ``Personal``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..compiler.plan import Lock
from .ports import Json

HIDDEN = "[personal]"


def personal_names(lock: Lock) -> frozenset[str]:
    """Return the names of the fields that are marked."""
    return frozenset(one.rpartition(".")[2] for one in lock.personal)


def hide(value: Json, names: Collection[str]) -> Json:
    """Return a value with what stands under a marked field's name hidden, in whatever record: rather too much than too little."""
    if not names:
        return value
    if isinstance(value, Mapping):
        return {key: HIDDEN if key in names and item is not None else hide(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hide(item, names) for item in value]
    return value
