"""Where a journal can be: an address that another process can be told, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from darner.runtime.journal.store import open_store
from darner.runtime.ports import Store

from .stores import FolderBucket, as_store


@dataclass(frozen=True)
class Place:
    """A store's kind, address and options; ``bucket`` is a folder that behaves like one."""

    kind: str
    url: str
    options: str = "{}"

    @classmethod
    def of(cls, kind: str, url: str, options: Mapping[str, str]) -> Place:
        """Return a place whose store takes options."""
        return cls(kind, url, json.dumps(dict(options)))

    @property
    def words(self) -> list[str]:
        """What is told to another process."""
        return [self.kind, self.url, self.options]

    def open(self) -> Store:
        """Open the store."""
        if self.kind == "bucket":
            return as_store(FolderBucket(Path(self.url)))
        return open_store(self.url, json.loads(self.options))
