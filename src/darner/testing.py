"""What tests of agents need: scripted models, a real model server on loopback, a boundary in memory."""

from __future__ import annotations

from .runtime.testing.boundary import MemoryBoundary, NoWaiting, Recorded
from .runtime.testing.command import main
from .runtime.testing.device import DeviceOutOfMemory, SmallDevice
from .runtime.testing.handles import call, moments
from .runtime.testing.logs import DyingLog, MemoryLog
from .runtime.testing.model import scripted_model
from .runtime.testing.preemption import preempt
from .runtime.testing.process import ServerProcess
from .runtime.testing.resolver import TableResolver
from .runtime.testing.script import Script, parse, read
from .runtime.testing.server import ModelServer

__all__ = [
    "DeviceOutOfMemory",
    "DyingLog",
    "MemoryBoundary",
    "MemoryLog",
    "ModelServer",
    "NoWaiting",
    "Recorded",
    "Script",
    "ServerProcess",
    "SmallDevice",
    "TableResolver",
    "call",
    "moments",
    "parse",
    "preempt",
    "read",
    "scripted_model",
]

if __name__ == "__main__":
    raise SystemExit(main())
