"""A device with little memory: it raises what PyTorch raises on a real one, where there is none."""

from __future__ import annotations

from dataclasses import dataclass

DeviceOutOfMemory = type(
    "OutOfMemoryError", (RuntimeError,), {"__module__": "torch", "__doc__": "Named as PyTorch's, which it stands for."}
)


@dataclass(frozen=True)
class SmallDevice:
    """A device that holds so many rows of weight 1 at once."""

    rows: int

    def hold(self, weight: int) -> None:
        """Hold rows for a moment; raises `torch.OutOfMemoryError`, by its name, where they are too heavy."""
        if weight > self.rows:
            raise DeviceOutOfMemory(f"CUDA out of memory. Tried to hold {weight} rows, {self.rows} fit.")
