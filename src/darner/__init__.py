"""darner: compile agent pipelines written in YAML and plain Python, and run them so that they survive.

Code beside a spec imports its words from here: the handles ``Call`` and ``Ask``, the marks ``Code``,
``Personal`` and ``Vector``, a loop's ``Continue``, ``Stop`` and ``Bail``, the failures that it may catch, and the
recorded ``now()``, ``random()``, ``uuid()`` and ``sleep()``.
"""

from __future__ import annotations

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
