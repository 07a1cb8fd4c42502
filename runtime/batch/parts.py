"""Parts: tables under a name in the store, written whole, and never read without their checksum."""

from __future__ import annotations

import hashlib
from typing import Any, BinaryIO

import pyarrow as pa

from ..failures import Corrupt, Missing
from ..ports import Store
from .model import Marker, PartRef


class DamagedPart(Corrupt):
    """A part or the dead letters of a shard aren't what was written: the shard must be done again from ``group`` on."""

    def __init__(self, shard: int, group: int, error: Corrupt) -> None:
        super().__init__(error.message, help=error.help)
        self.shard = shard
        self.group = group


class DamagedPlan(Corrupt):
    """What only the source can give again isn't what was written: another plan of work is needed."""

    def __init__(self, error: Corrupt) -> None:
        what_next = "run the same command again: the source is read anew, and what was finished is not computed again"
        super().__init__(error.message, help=what_next)


class _Hashing:
    """A file that hashes what passes through it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, content: Any) -> int:
        piece = memoryview(content)
        self._hash.update(piece)
        self.size += piece.nbytes
        self._file.write(piece)
        return piece.nbytes

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True

    def checksum(self) -> str:
        return self._hash.hexdigest()


def write_part(store: Store, name: str, table: pa.Table) -> PartRef:
    """Write a table as an Arrow IPC file, look at what the store has then, and return what to know it by.

    `Corrupt` where the store doesn't give back what it was given.
    """
    with store.writer(name) as file:
        sink = _Hashing(file)
        with pa.ipc.new_file(sink, table.schema) as writer:  # type: ignore[arg-type] # a file-like object is enough
            writer.write_table(table)
    ref = PartRef(name=name, rows=table.num_rows, size=sink.size, checksum=sink.checksum())
    _checked_bytes(store, ref)
    return ref


def read_part(store: Store, ref: PartRef) -> pa.Table:
    """Return a part's table; `Corrupt` where a byte of it changed, is missing, or the part itself is."""
    content = _checked_bytes(store, ref)
    try:
        return pa.ipc.open_file(pa.BufferReader(content)).read_all()
    except pa.ArrowException as error:
        raise Corrupt(f"{ref.name} is no Arrow file: {error}") from error


def read_outcome(store: Store, marker: Marker, ref: PartRef) -> pa.Table:
    """Return one of the tables that a shard's marker names; `DamagedPart` where it isn't what was written."""
    try:
        return read_part(store, ref)
    except Corrupt as error:
        raise DamagedPart(marker.shard, marker.group, error) from error


def read_planned(store: Store, ref: PartRef) -> pa.Table:
    """Return a table that was written while planning; `DamagedPlan` where it isn't what was written."""
    try:
        return read_part(store, ref)
    except Corrupt as error:
        raise DamagedPlan(error) from error


def _checked_bytes(store: Store, ref: PartRef) -> bytes:
    try:
        content = store.get(ref.name)
    except Missing as error:
        raise Corrupt(f"{ref.name} is gone", help="its shard is computed again") from error
    if len(content) != ref.size:
        raise Corrupt(f"{ref.name} has {len(content)} bytes instead of {ref.size}", help="its shard is computed again")
    if hashlib.sha256(content).hexdigest() != ref.checksum:
        raise Corrupt(f"{ref.name} is not what was written: its checksum differs", help="its shard is computed again")
    return content
