"""darner: compile agent pipelines written in YAML and plain Python, and run them so that they survive.

Code beside a spec imports its words from here: the handles ``Call`` and ``Ask``, the marks ``Code``,
``Personal`` and ``Vector``, a loop's ``Continue``, ``Stop`` and ``Bail``, the failures that it may catch, and the
recorded ``now()``, ``random()``, ``uuid()`` and ``sleep()``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .runtime.failures import (
        CallableError,
        ContextLost,
        Crashed,
        DarnerError,
        Exhausted,
        Failure,
        Network,
        OutOfMemory,
        Preempted,
        Refused,
        Semantic,
        Throttled,
    )
    from .runtime.language import Ask, Bail, Call, Code, Continue, Personal, Stop, Vector
    from .runtime.perform.moments import now, random, sleep, uuid

__all__ = [
    "Ask",
    "Bail",
    "Call",
    "CallableError",
    "Code",
    "ContextLost",
    "Continue",
    "Crashed",
    "DarnerError",
    "Exhausted",
    "Failure",
    "Network",
    "OutOfMemory",
    "Personal",
    "Preempted",
    "Refused",
    "Semantic",
    "Stop",
    "Throttled",
    "Vector",
    "now",
    "random",
    "sleep",
    "uuid",
]


_PLACES = {
    ".runtime.language": {"Ask", "Bail", "Call", "Code", "Continue", "Personal", "Stop", "Vector"},
    ".runtime.perform.moments": {"now", "random", "sleep", "uuid"},
}
"""Where the names are; those that are nowhere here are failures. They come when asked for: ``darner --help`` needs none."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = next((module for module, names in _PLACES.items() if name in names), ".runtime.failures")
    found = getattr(import_module(place, __name__), name)
    globals()[name] = found
    return found
