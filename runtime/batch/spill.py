"""Tables that don't fit memory, kept in a local folder while a plan of work is made."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from ..failures import StoreError
from ..journal.local_store import saying_disk_errors
from .arrow import Column, compute

BUFFER = 32 << 20
"""Bytes that a spill holds before it writes."""
BLOCK = 16_384
"""Source rows in one file of rows."""


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Yield a folder that is gone afterwards; `StoreError` where this machine has no room for one."""
    try:
        made = TemporaryDirectory(prefix=f"darner-{purpose}-", ignore_cleanup_errors=True)
    except OSError as error:
        raise StoreError(f"no temporary folder can be made: {error}", help="make room, or let TMPDIR name another folder") from error
    with made as folder:
        yield Path(folder)


class Buckets:
    """Tables by number, as many bytes of each as come; one is read back at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._held: dict[int, list[pa.Table]] = {}
        self._bytes = 0
        self._files: dict[int, list[Path]] = {}

    def add(self, bucket: int, table: pa.Table) -> None:
        """Put rows into one bucket, behind those that are there."""
        self._held.setdefault(bucket, []).append(table)
        self._bytes += table.nbytes
        if self._bytes > BUFFER:
            self._flush()

    def scatter(self, table: pa.Table, numbers: Column) -> None:
        """Put each row into the bucket that ``numbers`` says, keeping the order within each."""
        order = compute.sort_indices(numbers)  # stable: equal numbers keep their order
        table, numbers = table.take(order), numbers.take(order)
        runs = compute.run_end_encode(numbers)
        start = 0
        for bucket, stop in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            self.add(bucket, table.slice(start, stop - start))
            start = stop

    def read(self, bucket: int) -> pa.Table | None:
        """Return a bucket's rows in the order in which they came, or None where there are none."""
        tables = [_read(path) for path in self._files.get(bucket, [])] + self._held.get(bucket, [])
        return pa.concat_tables(tables, promote_options="permissive").combine_chunks() if tables else None

    def _flush(self) -> None:
        for bucket, tables in self._held.items():
            files = self._files.setdefault(bucket, [])
            path = self.folder / f"{bucket}-{len(files)}.arrow"
            _write(path, pa.concat_tables(tables, promote_options="permissive"))
            files.append(path)
        self._held.clear()
        self._bytes = 0


class Rows:
    """Source rows in their order, numbered from 0, in files of at least `BLOCK` rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.starts: list[int] = []
        self.count = 0
        self._held: list[pa.Table] = []
        self._first = 0

    def add(self, table: pa.Table) -> None:
        """Put rows behind those that are there."""
        self._held.append(table)
        self.count += table.num_rows
        if self.count - self._first >= BLOCK:
            self.close()

    def close(self) -> None:
        """Write what is held."""
        if self._held:
            _write(self.folder / f"{len(self.starts)}.arrow", pa.concat_tables(self._held, promote_options="permissive"))
            self.starts.append(self._first)
        self._held, self._first = [], self.count

    def block_of(self, rows: Column) -> Column:
        """Return in which file each row number stands."""
        numbers: list[int] = [row for row in rows.to_pylist() if row is not None]
        return pa.array([bisect_right(self.starts, row) - 1 for row in numbers], pa.int64())

    def blocks(self) -> Iterator[int]:
        """Yield the numbers of the files."""
        yield from range(len(self.starts))

    def read(self, block: int) -> tuple[int, pa.Table]:
        """Return the number of a file's first row, and its rows."""
        return self.starts[block], _read(self.folder / f"{block}.arrow").combine_chunks()


def _write(path: Path, table: pa.Table) -> None:
    with (
        saying_disk_errors(f"writing temporary rows in {path.parent}"),
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, table.schema) as writer,
    ):
        writer.write_table(table, max_chunksize=BLOCK)


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path), "rb") as file:
        return pa.ipc.open_file(file).read_all()
