"""Stores for tests: buckets in memory or in a folder, and buckets that fail."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from darner.runtime.failures import Missing, StoreError
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.ports import Store


class FolderBucket:
    """A folder that behaves like a bucket, for other processes too: no object has a path, so a journal takes its bucket form."""

    def __init__(self, folder: Path) -> None:
        self._inner = LocalStore.open(folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def local_path(self, name: str) -> None:
        """Return None, as buckets do."""


class Bucket:
    """A bucket in memory. See `ports.Store`."""

    url = "memory://bucket"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def local_path(self, name: str) -> None:
        """Return None, as buckets do."""

    def get(self, name: str) -> bytes:
        """Return an object's bytes."""
        try:
            return self.objects[name]
        except KeyError:
            raise Missing(f"reading {name} in {self.url}: there is no such object") from None

    def put(self, name: str, content: bytes) -> None:
        """Write an object."""
        self.objects[name] = content

    def create(self, name: str, content: bytes) -> bool:
        """Write an object if there is none."""
        with self._lock:
            return self.objects.setdefault(name, content) is content

    def exists(self, name: str) -> bool:
        """Return whether there is one."""
        return name in self.objects

    def names(self, prefix: str) -> list[str]:
        """Return names, sorted."""
        return sorted(name for name in list(self.objects) if name.startswith(f"{prefix.rstrip('/')}/"))

    def size(self, name: str) -> int:
        """Return the bytes of an object or a folder."""
        return sum(len(self.objects[one]) for one in [name, *self.names(name)] if one in self.objects)

    def folders(self, prefix: str) -> list[str]:
        """Return the folders in a folder."""
        below = f"{prefix.rstrip('/')}/"
        return sorted({name.removeprefix(below).partition("/")[0] for name in self.names(prefix) if "/" in name.removeprefix(below)})

    def delete(self, name: str) -> None:
        """Remove an object or a folder."""
        for one in [name, *self.names(name)]:
            self.objects.pop(one, None)

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """Yield a file."""
        file = io.BytesIO()
        yield file
        self.put(name, file.getvalue())

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        """Yield a file."""
        yield io.BytesIO(self.get(name))


class Faulty(Bucket):
    """A bucket behind a network that loses requests, loses answers, and delivers requests late. One seed, one story."""

    kinds: tuple[str, ...] = ("lost request", "lost answer", "late")

    def __init__(self, seed: int, share: float = 0.4) -> None:
        super().__init__()
        self.chance = random.Random(seed)
        self.share = share
        self.late: list[Callable[[], object]] = []
        self.faults = 0

    def create(self, name: str, content: bytes) -> bool:
        """Write, and perhaps say nothing of it; or don't write yet, or never."""
        while self.late and self.chance.random() < 0.5:
            self.late.pop(0)()
        if "/journal/0" not in name or self.chance.random() > self.share:
            return super().create(name, content)
        self.faults += 1
        kind = self.chance.choice(self.kinds)
        if kind == "lost answer":
            super().create(name, content)
        elif kind == "late":
            self.late.append(lambda: Bucket.create(self, name, content))
        raise StoreError(f"creating {name}: {kind}")


class Noting(Bucket):
    """A bucket that notes the names of what is created, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.created: list[str] = []

    def create(self, name: str, content: bytes) -> bool:
        """Write, and note the name."""
        made = super().create(name, content)
        self.created.append(name)
        return made


def as_store(bucket: FolderBucket) -> Store:
    """Return it as what it is: it passes on everything that it doesn't answer itself."""
    return cast("Store", bucket)
