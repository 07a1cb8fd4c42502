"""Flushes: what shards under way have made so far, as objects that know their own checksum.

A flush is the SHA-256 of what follows, then an Arrow IPC file. Its rows are those of a part, with dead ones among them
(``_state`` "dead", ``_dead`` its JSON); its schema's metadata says what they cost. One that is damaged is as if it weren't there.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

from ..failures import Corrupt, Missing
from ..ports import Store
from .model import STATE

DEAD = "_dead"
DEAD_ROW = "dead"
_DIGEST_BYTES = 32
_FOLDER = 3
"""Where the folder's name stands in the name of a flush, see `paths.flush`."""


def encoded(table: pa.Table) -> bytes:
    """Return the bytes of a flush."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    payload = sink.getvalue().to_pybytes()
    return hashlib.sha256(payload).digest() + payload


def read_flush(store: Store, name: str) -> pa.Table | None:
    """Return the rows of a flush; None where it is damaged or gone."""
    try:
        content = store.get(name)
        payload = content[_DIGEST_BYTES:]
        if hashlib.sha256(payload).digest() != content[:_DIGEST_BYTES]:
            return None
        return pa.ipc.open_file(pa.BufferReader(payload)).read_all()
    except (Missing, Corrupt, pa.ArrowException):
        return None


def living(table: pa.Table) -> pa.Table:
    """Return the rows of a flush that a part could hold, each at its place: those that died have no state."""
    states = [None if state == DEAD_ROW else state for state in table[STATE].to_pylist()]
    return table.drop_columns([DEAD]).set_column(table.schema.get_field_index(STATE), STATE, pa.array(states, pa.string()))


def stage_of(name: str) -> str:
    """Return the stage of a flush, by its name."""
    return name.rpartition("/")[2].partition("-")[2].removesuffix(".arrow")


def is_flush(name: str) -> bool:
    """Return whether an object's name is that of a flush, and not of a part."""
    return name.split("/")[_FOLDER] == "flushed"
