"""The folder of a table: which of its files are live, and how files come and go as one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import ConnectorError

MANIFEST = "_table.json"
SCHEMA = "_common_metadata"


class Folder:
    """Parquet files in a local folder. What ``_table.json`` names is the table; a commit replaces that file.

    Other programs read the folder as it is; they see rows twice only between a commit and the removal of what it
    replaced. Names that begin with an underscore are no rows to them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def schema(self) -> pa.Schema | None:
        """Return the table's schema, or None where there is no table."""
        with self.named():
            there = (self.path / SCHEMA).exists()
            return pq.read_schema(self.path / SCHEMA) if there else None

    def make(self, schema: pa.Schema) -> None:
        """Make an empty table."""
        with self.named():
            self.path.mkdir(parents=True, exist_ok=True)
            self.refuse_strangers()
            pq.write_metadata(schema, str(self.path / f"{SCHEMA}.new"))
            self._publish(f"{SCHEMA}.new", SCHEMA)

    def refuse_strangers(self) -> None:
        """Raise ConnectorError where a folder without a table holds other files."""
        with self.named():
            strangers = [one.name for one in self.path.iterdir() if not one.name.startswith(("_", "."))]
        if strangers:
            msg = f"{self.path} is no table, and not empty: it holds {', '.join(sorted(strangers)[:5])}"
            raise ConnectorError(msg, help="write to another folder")

    def files(self) -> list[str]:
        """Return the names of the live files, oldest first."""
        with self.named():
            if not (self.path / MANIFEST).exists():
                return []
            return list(json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))["files"])

    def fresh(self, taken: Sequence[str]) -> str:
        """Return a name that no file has had."""
        numbers = [int(name.partition(".")[0].rpartition("-")[2]) for name in (*self.files(), *taken)]
        return f"rows-{max(numbers, default=0) + 1:08}.parquet"

    def write(self, name: str, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> int:
        """Write a file that isn't live yet; return its rows. A file without rows isn't kept."""
        hidden = self.path / f"_{name}.new"
        rows = 0
        with self.named():
            writer = pq.ParquetWriter(hidden, schema, compression="zstd")
        try:
            for batch in batches:
                with self.named():
                    writer.write_batch(batch)
                rows += batch.num_rows
            with self.named():
                writer.close()
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
        with self.named():
            if rows:
                self._publish(hidden.name, name)
            else:
                hidden.unlink()
        return rows

    def commit(self, files: Sequence[str]) -> None:
        """Make these files the table, as one, and remove all others."""
        with self.named():
            new = self.path / f"{MANIFEST}.new"
            new.write_text(json.dumps({"files": list(files)}), encoding="utf-8")
            self._publish(new.name, MANIFEST)
            for one in self.path.glob("*rows-*"):
                if one.name not in files:
                    one.unlink(missing_ok=True)

    def _publish(self, hidden: str, name: str) -> None:
        """Give a finished file its name, durably."""
        with (self.path / hidden).open("rb+") as file:
            os.fsync(file.fileno())
        (self.path / hidden).replace(self.path / name)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Turn what goes wrong with files into a ConnectorError that names the folder."""
        try:
            yield
        except (OSError, pa.ArrowException, ValueError) as error:
            msg = f"the table {self.path}: {error}"
            raise ConnectorError(msg, help="check the folder, the room on its disk and the right to write there") from error
