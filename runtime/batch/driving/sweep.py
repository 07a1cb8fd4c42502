"""Clearing away what no manifest names any more; the run before the newest one is kept."""

from __future__ import annotations

from ...journal import paths
from ...ports import Store
from ..claims import generations
from ..model import Manifest

_WORKING = ("in", "started", "sink", "stop")
"""What a generation needs only while it is worked on."""


def sweep(store: Store, newest: Manifest, before: Manifest | None = None) -> None:
    """Remove objects of older generations that neither the newest manifest nor the one before it needs.

    Parts stay while a row state names their generation, and markers with them, since they hold the parts' checksums.
    Claims stay for good: a driver that was believed dead must find that others came after it.
    """
    kept = [one for one in (newest, before) if one is not None]
    parts = {number for one in kept for numbers in one.places.values() for number in numbers}
    deltas = {ref.name for one in kept for refs in one.rows.values() for ref in refs}
    named = {one.generation for one in kept}
    for number in generations(store, newest.job):
        if number >= newest.generation:
            continue
        _clear(store, paths.generation(newest.job, number), deltas, parts=number in parts, manifest=number in named)


def _clear(store: Store, folder: str, deltas: set[str], *, parts: bool, manifest: bool) -> None:
    there = set(store.folders(folder))
    for name in _WORKING:
        if name in there:
            store.delete(f"{folder}/{name}")
    for name in () if parts else ("parts", "markers"):
        if name in there:
            store.delete(f"{folder}/{name}")
    if "rows" in there:
        for name in store.names(f"{folder}/rows"):
            if name not in deltas:
                store.delete(name)
    if not manifest:
        for name in ("dead", "manifest.json", "work.json", "plan.yaml"):
            store.delete(f"{folder}/{name}")
