"""All models whose limits are shared on this machine: looked at, and forgotten where somebody knows better."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ... import limiter
from ...limiter import Limits
from .. import world
from .about import About
from .folder import Unshared, folder
from .shared import Held, SharedFile

Result = TypeVar("Result")
_KEY = re.compile(r"[0-9a-f]{32}")
_TIMES = 50


@dataclass(frozen=True, slots=True)
class Shared:
    """One model's limits as they are. ``taken`` places are in use; ``now`` is the time on the clock of its times."""

    key: str
    about: About
    limits: Limits
    taken: int
    now: float


def shared() -> list[Shared]:
    """Return what is shared; `Unshared` where it can't be looked at."""
    return sorted(_shared(folder()), key=lambda one: (one.about.use, one.about.host, one.key))


def _shared(path: Path) -> Iterator[Shared]:
    for one in sorted(path.iterdir()):
        if _KEY.fullmatch(one.name):
            limits, told, taken = _patiently(SharedFile(one).look)
            now = world.moment()
            yield Shared(one.name, told, limiter.at(limits, now), taken, now)


def forget(one: Shared) -> None:
    """Forget what was learnt of a model's limits: its rate, what its provider's headers said, until when nobody begins."""
    _patiently(lambda: SharedFile(folder() / one.key).change(lambda limits: (limiter.forgotten(limits, world.moment()), None)))


def _patiently(look: Callable[[], Result]) -> Result:
    for _ in range(_TIMES):
        try:
            return look()
        except Held:
            continue
    raise Unshared("a process that stands still holds a lock")
