"""Row states in partitions by key hash: which partition a key is in, and what is known of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import pyarrow as pa

from ..failures import Corrupt
from ..ports import Store
from .arrow import Column, compute, last_of_each, one_array
from .canonical import DIGEST, pieces_of
from .model import KEY, ROWS_PER_PARTITION, STATE, VERSION, Manifest, PartRef, memo_fingerprint, memo_place
from .parts import read_part

BUCKETS = 64
"""What keys are scattered into before their number is known: a partition is some buckets, or a share of one."""
MAX_DELTAS = 4
_BITS = 32
_SPREAD = 0x9E3779B1
_MASK = (1 << _BITS) - 1


def key_hashes(keys: Column) -> Column:
    """Return 32 well-spread bits of each key (uint32), equal on every machine and Python."""
    return pa.array([crc32(piece) * _SPREAD & _MASK for piece in pieces_of(keys)], pa.uint32())


def bucket_of(hashes: Column, count: int) -> Column:
    """Return the number (from 0) of each hash among ``count`` equal shares, a power of two: its highest bits."""
    numbers: Column = compute.shift_right(hashes.cast(pa.uint64()), pa.scalar(_BITS - (count.bit_length() - 1), pa.uint64())).cast(
        pa.int64()
    )
    return numbers


def partitions_for(rows: int, basis: Manifest | None) -> int:
    """Return how many partitions so many rows get: those of the basis until they are twice too full."""
    if basis is not None and rows <= 2 * ROWS_PER_PARTITION * basis.partitions:
        return basis.partitions
    wanted = max(1, -(-rows // ROWS_PER_PARTITION))
    return 1 << (wanted - 1).bit_length()


def state_schema(stages: Sequence[str]) -> pa.Schema:
    """Return the columns of row states."""
    fields: list[pa.Field[Any]] = [pa.field(KEY, pa.string()), pa.field(VERSION, DIGEST), pa.field(STATE, pa.string())]
    for stage in stages:
        fields += [pa.field(memo_fingerprint(stage), DIGEST), pa.field(memo_place(stage), pa.string())]
    return pa.schema(fields)


class KnownRows:
    """The row states that a manifest names, one partition at a time, cut as finely as ``partitions`` says."""

    def __init__(self, store: Store, manifest: Manifest | None, partitions: int) -> None:
        self.store = store
        self.manifest = manifest
        self.partitions = partitions

    def load(self, index: int) -> pa.Table | None:
        """Return one partition's newest row states, deleted ones left out; `Corrupt` where a delta is not what was written."""
        if self.manifest is None:
            return None
        share = self.partitions // self.manifest.partitions
        found = merged([self._delta(delta) for delta in self.manifest.rows.get(str(index // share), ())])
        if found is None or share == 1:
            return found
        return found.filter(compute.equal(bucket_of(key_hashes(one_array(found[KEY])), self.partitions), index))

    def _delta(self, ref: PartRef) -> pa.Table:
        try:
            return read_part(self.store, ref)
        except Corrupt as error:
            raise Corrupt(
                f"{error.message}; it says what earlier runs did", help="bring it back from a copy, or start anew with --run NAME"
            ) from error


def merged(deltas: Sequence[pa.Table]) -> pa.Table | None:
    """Return the newest state of each key, without those that were deleted; deltas are given oldest first."""
    if not deltas:
        return None
    whole = deltas[0] if len(deltas) == 1 else last_of_each(pa.concat_tables(deltas, promote_options="permissive"), KEY)
    return whole.filter(compute.not_equal(whole[STATE], "deleted")).combine_chunks()
