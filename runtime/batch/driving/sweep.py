"""Clearing away what no manifest names any more; the run before the newest one is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...journal import paths
from ...ports import Store
from ..claims import generations
from ..dead_rows import with_letters
from ..history import manifest_of, newest_manifest
from ..model import Manifest
from ..sums import keep_sums

_WORKING = ("in", "started", "failed", "flushed", "sink")
"""What a generation needs only while it is worked on."""


def sweep(store: Store, newest: Manifest, before: Manifest | None = None) -> None:
    """Remove objects of older generations that neither the newest manifest nor the one before it needs.

    What failures cost there is summed up first, and stays.
    """
    keep_sums(store, newest.job, newest.generation)
    for name in list(unneeded(store, newest, before)):
        store.delete(name)


def unneeded(store: Store, newest: Manifest, before: Manifest | None = None) -> Iterator[str]:
    """Yield the objects and folders of older generations that neither the newest manifest nor the one before it needs.

    Parts stay while a row state names their generation, and markers with them, since they hold the parts' checksums.
    Dead letters stay as long as a row that one is the newest of is dead.
    Claims stay for good: a driver that was believed dead must find that others came after it.
    """
    kept = [one for one in (newest, before) if one is not None]
    parts = {number for one in kept for numbers in one.places.values() for number in numbers}
    deltas = {ref.name for one in kept for refs in one.rows.values() for ref in refs}
    named = {one.generation for one in kept}
    older = [number for number in generations(store, newest.job) if number < newest.generation]
    buried = [number for number in older if "dead" in store.folders(paths.generation(newest.job, number))]
    letters = with_letters(store, newest, [*buried, newest.generation]) if buried else set[int]()
    for number in older:
        needs = _Needs(parts=number in parts, manifest=number in named, letters=number in letters)
        yield from _of_one(store, paths.generation(newest.job, number), deltas, needs)


class _Needs(NamedTuple):
    """What of an older generation is needed still."""

    parts: bool
    manifest: bool
    letters: bool


def _of_one(store: Store, folder: str, deltas: set[str], needs: _Needs) -> Iterator[str]:
    there = set(store.folders(folder))
    yield from (f"{folder}/{name}" for name in _WORKING if name in there)
    yield from (f"{folder}/{name}" for name in ("parts", "markers") if name in there and not needs.parts)
    if "rows" in there:
        yield from (name for name in store.names(f"{folder}/rows") if name not in deltas)
    yield f"{folder}/given-up.json"  # it speaks of a plan of work that nobody goes on with any more
    if not needs.manifest:
        yield from (f"{folder}/{name}" for name in ("manifest.json", "work.json", "plan.yaml"))
        yield from [f"{folder}/dead"] if "dead" in there and not needs.letters else []


def leftovers(store: Store, job: str) -> list[str]:
    """Return what older generations of a job still hold and nobody needs: objects and folders that are there.

    What a driver and its workers said to each other, and what it wrote to see that it can write, is for its own start only:
    whoever came after it has fenced it.
    """
    said = (paths.stop, paths.heartbeat, paths.waiting)
    tiny = [name(job, number) for number in generations(store, job)[:-1] for name in said]
    return [name for name in (*_needed_by_nobody(store, job), *tiny) if store.exists(name) or store.names(name)]


def keep_all_sums(store: Store, job: str) -> None:
    """Sum up what failures cost in older generations of a job, before what `leftovers` returns is removed."""
    newest = newest_manifest(store, job)
    if newest is not None:
        keep_sums(store, job, newest.generation)


def _needed_by_nobody(store: Store, job: str) -> list[str]:
    newest = newest_manifest(store, job)
    if newest is None:
        return []
    earlier = (number for number in reversed(generations(store, job)) if number < newest.generation)
    before = next((one for number in earlier if (one := manifest_of(store, job, number)) is not None), None)
    return list(unneeded(store, newest, before))
