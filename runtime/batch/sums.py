"""What failures of each plan of work of a job cost in all: it stays when the rest of a generation is cleared away."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import TypeAdapter, ValidationError

from ...compiler.settings import FailureClass
from ..failures import Corrupt, Missing
from ..journal import paths
from ..ledger import ByClass, Totals
from ..ports import Store
from .claims import generations
from .history import manifest_of
from .working.spending import spent

_SUM: TypeAdapter[dict[FailureClass, Totals]] = TypeAdapter(dict[FailureClass, Totals])


def keep_sums(store: Store, job: str, before: int) -> None:
    """Write down what failures cost of the plans of work of generations before one, as long as they can be read.

    Before anything of them is cleared away: nothing fails any more in a generation that is older than the newest manifest's.
    """
    for number in generations(store, job):
        if number < before and store.exists(paths.work(job, number)):
            found = _read(store, job, number)
            if found:
                store.create(paths.job_failures(job, number), _SUM.dump_json(dict(found)))


def failures_of(store: Store, job: str) -> Iterator[tuple[int, ByClass]]:
    """Yield what failures cost of every plan of work that a job has ever had, with its generation, oldest first.

    Raises:
        Corrupt: what is kept of a generation is damaged.
    """
    for number in generations(store, job):
        name = paths.job_failures(job, number)
        try:
            yield number, _SUM.validate_json(store.get(name))
        except Missing:
            yield number, _read(store, job, number)
        except ValidationError as error:
            raise Corrupt(f"{name} is damaged: {error.errors()[0]['msg']}", help="bring it back from a copy, or remove it") from error


def _read(store: Store, job: str, number: int) -> ByClass:
    """Return what a generation's manifest says, or its markers where it has none, or an incomplete one."""
    manifest = manifest_of(store, job, number)
    told = None if manifest is None else manifest.counts.get("failures")
    if told is not None:
        return _SUM.validate_python(told)
    return spent(store, job, number).failures if store.exists(paths.work(job, number)) else {}
