"""Whether a sink has lost what earlier runs wrote to it."""

from __future__ import annotations

from typing import Any

from ....connectors.errors import NoTable
from ....connectors.ports import Scannable
from ...ports import Store
from ..arrow import compute
from ..history import newest_manifest
from ..model import STATE
from ..partitions import KnownRows


def lost_rows(store: Store, job: str, sink: Any) -> int:
    """Return how many rows finished runs wrote, where the sink has no table or an empty one; 0 where it has rows.

    A sink that can't be read back is believed, and so is one that lives only as long as its process.
    """
    manifest = newest_manifest(store, job)
    if manifest is None or not manifest.live or sink.identity().startswith("memory:") or not is_empty(sink):
        return 0
    known = KnownRows(store, manifest, manifest.partitions)
    tables = (known.load(index) for index in range(manifest.partitions))
    return sum(compute.sum(compute.equal(table[STATE], "done")).as_py() or 0 for table in tables if table is not None)


def is_empty(sink: Any) -> bool:
    """Return whether a sink that can be read back has no row; ConnectorError where it can't be reached."""
    if not isinstance(sink, Scannable):
        return False
    try:
        return sink.count() == 0
    except NoTable:
        return True
