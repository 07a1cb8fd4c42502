"""Running the catalogue's job as a person does, and reading what it left."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import warm

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "specs" / "catalog"
DARNER = Path(os.environ.get("DARNER_COMMAND", Path(sys.executable).with_name("darner")))
MARKS = frozenset({"_darner_generation", "_darner_shard"})


@dataclass(frozen=True)
class Place:
    """A folder that holds everything of one job: feed, store, index."""

    root: Path
    feed: Path
    spec: Path = SPEC

    @property
    def store(self) -> Path:
        """Return where the job keeps its state."""
        return self.root / "store"

    @property
    def index(self) -> Path:
        """Return where the job writes its rows."""
        return self.root / "index"

    def command(self, *more: str) -> list[str]:
        """Return the command that runs the job; the same command goes on after a kill."""
        settings = ["--set", f"feed={self.feed}", "--set", f"index={self.index}", "--store", str(self.store)]
        return [str(DARNER), "run", str(self.spec), *settings, *more]

    def run(self, *more: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run the job to its end, whichever that is."""
        return warm.run(self.command(*more), imports=warm.TABLES, timeout=timeout, env=environment(), cwd=self.root)

    def done(self, *more: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run the job, and see that it is done."""
        ended = self.run(*more, timeout=timeout)
        assert ended.returncode == 0, ended.stderr[-4000:]
        return ended

    def rows(self, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return the index's rows, sorted by key."""
        found = self._table().search().select(list(columns)).limit(None).to_arrow() if columns else self._table().to_arrow()
        return sorted(found.to_pylist(), key=lambda row: row["product_id"])

    def count(self) -> int:
        """Return how many rows the index has."""
        return int(self._table().count_rows())

    def _table(self) -> Any:
        import lancedb  # noqa: PLC0415 - heavy; a crashed run has no table to ask for

        return lancedb.connect(str(self.index)).open_table("products")

    def digest(self) -> str:
        """Return the digest of the index's sorted rows, without who wrote them when."""
        table = self._table().to_arrow().sort_by("product_id").combine_chunks()
        digest = hashlib.sha256()
        for name in sorted(set(table.schema.names) - MARKS):
            column = table[name].chunk(0) if table.num_rows else table[name]
            if name == "vector":
                digest.update(column.flatten().to_numpy(zero_copy_only=False).tobytes())
            else:
                digest.update(json.dumps(column.to_pylist()).encode())
        return digest.hexdigest()

    def duplicates(self) -> int:
        """Return how many rows of the index repeat a key."""
        keys = self._table().search().select(["product_id"]).limit(None).to_arrow()["product_id"].to_pylist()
        return len(keys) - len(set(keys))

    def markers(self, kind: str) -> list[Path]:
        """Return the objects of one kind that a job's generations left: ``markers``, ``started``, ``dead``."""
        return sorted(self.store.glob(f"jobs/*/*/{kind}/*")) + sorted(self.store.glob(f"jobs/*/*/{kind}/*/*"))


def environment() -> dict[str, str]:
    """Return an environment in which the specs' Python is found."""
    return os.environ | {"PYTHONPATH": str(SPEC), "COLUMNS": "160"}
