"""Stores for tests: a folder that behaves like a bucket, and one whose answers get lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from darner.runtime.failures import StoreError
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.ports import Store


class Bucket:
    """A folder that behaves like a bucket: no object has a path, so a journal takes its bucket form."""

    def __init__(self, folder: Path) -> None:
        self.inner = LocalStore.open(folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def local_path(self, name: str) -> None:
        """Return None, as buckets do."""


class Faulty(Bucket):
    """A bucket behind a network that loses requests, loses answers, and delivers requests late. One seed, one story."""

    def __init__(self, folder: Path, seed: int, share: float = 0.4) -> None:
        super().__init__(folder)
        self.chance = random.Random(seed)
        self.share = share
        self.late: list[Callable[[], object]] = []
        self.faults = 0

    def create(self, name: str, content: bytes) -> bool:
        """Write, and perhaps say nothing of it; or don't write yet, or never."""
        while self.late and self.chance.random() < 0.5:
            self.late.pop(0)()
        if "/journal/0" not in name or self.chance.random() > self.share:
            return self.inner.create(name, content)
        self.faults += 1
        kind = self.chance.choice(["lost request", "lost answer", "late"])
        if kind == "lost answer":
            self.inner.create(name, content)
        elif kind == "late":
            self.late.append(lambda: self.inner.create(name, content))
        raise StoreError(f"creating {name}: {kind}")


class Noting(Bucket):
    """A bucket that notes the names of what is created, in order."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.created: list[str] = []

    def create(self, name: str, content: bytes) -> bool:
        """Write, and note the name."""
        made = self.inner.create(name, content)
        self.created.append(name)
        return made


def as_store(bucket: Bucket) -> Store:
    """Return it as what it is: it passes on everything that it doesn't answer itself."""
    return cast("Store", bucket)
