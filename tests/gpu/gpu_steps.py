"""What a user's code does on a card. It stands in a spec's folder, and every call leaves its process's id in a diary."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from pydantic import BaseModel

ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
"""JAX takes what it needs, and not three quarters of the card at once; the first card is the first of `nvidia-smi`, too."""


def memory(what: str = "total") -> int:
    """Return the bytes of the first card: all of them (`total`), or those that are `used`."""
    query = ["nvidia-smi", "--id=0", f"--query-gpu=memory.{what}", "--format=csv,noheader,nounits"]
    return int(subprocess.run(query, check=True, capture_output=True, text=True).stdout) << 20


def taken(library: str, size: int) -> Any:
    """Return so many bytes of the card, rounded down to MiB; raises what the library raises where they aren't to be had."""
    os.environ.update(ENVIRONMENT)
    shape = (size >> 20, 1 << 20)
    if library == "jax":
        return importlib.import_module("jax.numpy").zeros(shape, dtype="uint8").block_until_ready()
    module = importlib.import_module(library)
    if library == "torch":
        return module.zeros(shape, dtype=module.uint8, device="cuda")
    return module.zeros(shape, dtype="uint8")


def _times(diary: str) -> int:
    with Path(diary).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return len(Path(diary).read_text().splitlines())


def fill(library: str, diary: str) -> int:
    """Take the card eighth by eighth until it is full when called for the first time, and one eighth after that; return how many."""
    eighths = 9 if _times(diary) == 1 else 1
    return len([taken(library, memory() // 8) for _ in range(eighths)])


def ask(diary: str) -> int:
    """Ask JAX's first device, whatever it is, for 16 TiB when called for the first time, and for 1 MiB after that."""
    times = _times(diary)
    return times if taken("jax", 1 << 44 if times == 1 else 1 << 20) is not None else 0


def die(library: str, diary: str) -> int:
    """Take five eighths of the card, and be killed while holding them when called for the first time."""
    times = _times(diary)
    held = taken(library, memory() * 5 // 8)
    if times == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return times if held is not None else 0


class Product(BaseModel):
    """A row of the feed: ``heavy`` ones take an eighth of the card."""

    sku: str
    title: str
    price: float


class Embedded(BaseModel):
    """A row of the index."""

    sku: str
    price: float
    vector: list[float]


class Embedder:
    """A matrix product on the card, by torch; each call leaves its rows' keys in a line."""

    def __init__(self, width: int) -> None:
        self.torch = importlib.import_module("torch")
        self.weights = self.torch.rand(32, width, device="cuda")

    def __call__(self, rows: list[Product]) -> list[Embedded]:
        """Return the rows' vectors."""
        with Path("embedded").open("a") as file:
            file.write(" ".join(row.sku for row in rows) + "\n")
        card = memory()
        held = [taken("torch", card // (8 if row.title == "heavy" else 4096)) for row in rows]
        vectors = (self.torch.rand(len(held), 32, device="cuda") @ self.weights).tolist()
        return [Embedded(sku=row.sku, price=row.price, vector=vector) for row, vector in zip(rows, vectors, strict=True)]
