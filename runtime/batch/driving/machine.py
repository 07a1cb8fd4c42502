"""What this machine has, and how many workers of what size fit on it."""

from __future__ import annotations

from dataclasses import dataclass

from ....compiler.quantities import format_size
from ...failures import Refused
from ...perform.processes import machine
from ..groups import Allowance

_KEPT_FREE = 0.1
"""Of the machine's memory, for the driver and the system."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores that this process may use, bytes of memory, GPU devices."""

    cores: int
    memory: int
    gpus: int = 0

    @classmethod
    def here(cls) -> Machine:
        """Return this machine, as its control group lets this process see it."""
        return cls(machine.cores(), machine.memory(), machine.devices())

    def workers(self, allowances: tuple[Allowance, ...], *, shards: int, wished: int | None) -> int:
        """Return how many workers run at once: the wish, lowered to shards, cores, and the memory that each was promised."""
        largest = max((one.memory or 0 for one in allowances), default=0)
        usable = int(self.memory * (1 - _KEPT_FREE))
        if largest > usable:
            raise Refused(
                f"{format_size(largest)} of memory are promised to one process, and this machine has {self.memory >> 20} MiB",
                help="lower resources.*.memory, or use a larger machine",
            )
        fitting = usable // largest if largest else self.cores
        return max(1, min(fitting, self.cores, shards, wished or self.cores))

    def threads(self, workers: int) -> int:
        """Return how many threads the numeric libraries of one worker may start."""
        return max(1, self.cores // workers)
