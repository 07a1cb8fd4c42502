"""The rows of a job that are dead now, each with what its newest dead letter says."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ...compiler.frozen import Frozen
from ..failures import Corrupt, Missing, Refused
from ..journal import paths
from ..ports import Store
from .arrow import compute
from .claims import generations
from .history import markers_of, newest_manifest, unfinished
from .model import KEY, STATE, Manifest
from .partitions import KnownRows

_TOLD = ("stage", "failure", "type", "message", "attempts")


class DeadRow(Frozen):
    """A dead row. What its letter would say is None where the letter is gone; ``key`` is None for a source's row without one."""

    key: str | None
    generation: int | None = None
    """The plan of work in which it died."""
    stage: str | None = None
    failure: str | None = None
    type: str | None = None
    message: str | None = None
    attempts: int | None = None

    def __str__(self) -> str:
        """Return it as one line."""
        key = "(no key)" if self.key is None else self.key
        if self.stage is None:
            return f"{key}  its dead letter is gone"
        said = " ".join(str(self.message).split())
        number = f"{self.attempts} attempts" if self.attempts != 1 else "1 attempt"
        return f"{key}  {self.stage}  {self.failure}  {self.type}: {said}  ({number}, generation {self.generation})"


def dead_rows(store: Store, job: str) -> Iterator[DeadRow]:
    """Yield the rows of a job that are dead, those that died last first; of a run that isn't finished those that have died so far.

    Raises:
        Refused: there is no such job, or it has never got as far as a plan of work.
        Corrupt: what is stored of it is damaged.
    """
    manifest = newest_manifest(store, job)
    works = [work.generation for work in unfinished(store, job, manifest)]
    if manifest is None and not works:
        raise Refused(f"there is no job {job!r} in {store.url}", help="`darner ps` lists what there is")
    recorded = dead_keys(store, manifest) if manifest is not None else set[str]()
    told = set[str]()
    current = {*works, manifest.generation if manifest else 0}
    for number in reversed(generations(store, job)):
        for row in _rows(store, job, number):
            if (row.key is None and number in current) or (row.key not in told and (number in works or row.key in recorded)):
                told |= {row.key} if row.key is not None else set()
                yield row
    yield from (DeadRow(key=key) for key in sorted(recorded - told))


def dead_keys(store: Store, manifest: Manifest) -> set[str]:
    """Return the keys that a manifest knows as dead."""
    known = KnownRows(store, manifest, manifest.partitions)
    found = set[str]()
    for index in range(manifest.partitions):
        table = known.load(index)
        if table is not None:
            found |= {str(key) for key in table.filter(compute.equal(table[STATE], "dead"))[KEY].to_pylist()}
    return found


def with_letters(store: Store, manifest: Manifest, among: list[int]) -> set[int]:
    """Return which of some generations hold the newest letter of a row that is dead still."""
    wanted, found = dead_keys(store, manifest), set[int]()
    for number in sorted(among, reverse=True):
        here = {row.key for row in _rows(store, manifest.job, number)} & wanted if wanted else set[str]()
        found |= {number} if here else set()
        wanted -= here
    return found


def letter_names(store: Store, job: str, number: int) -> list[str]:
    """Return the objects that hold a generation's dead letters: those that its markers name, as long as there are any."""
    markers = list(markers_of(store, job, number))
    source = paths.dead_source(job, number)
    if not markers:
        return store.names(source.rpartition("/")[0])
    return [*(marker.dead.name for marker in markers if marker.dead is not None), source]


def letters(store: Store, name: str) -> pa.Table | None:
    """Return a table of dead letters; None where it is gone, `Corrupt` where it can't be read."""
    try:
        return pa.ipc.open_file(pa.BufferReader(store.get(name))).read_all()
    except Missing:
        return None
    except pa.ArrowException as error:
        raise Corrupt(f"{name} is damaged: {error}") from error


def _rows(store: Store, job: str, number: int) -> Iterator[DeadRow]:
    for name in letter_names(store, job, number):
        table = letters(store, name)
        for one in table.select([KEY, *_TOLD]).to_pylist() if table is not None else ():
            yield DeadRow(key=one[KEY], generation=number, **{field: one[field] for field in _TOLD})
