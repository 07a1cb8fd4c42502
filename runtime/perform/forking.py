"""A fork made: a run's binding and the beginning of its journal, copied under a new id."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from ..events import Event, RunStarted
from ..failures import Refused
from ..fork import Point, blobs_of, prefix
from ..journal import binding, paths
from ..journal.binding import Binding
from ..journal.log import open_log
from ..journal.removal import unless_removed, whole
from ..ports import Clock, Store
from ..state import fold_for_views
from .world import owner

CHUNK = 256
"""Events of one commit."""


def fork(store: Store, run_id: str, at: str, bound: Binding, clock: Clock) -> int:
    """Make a run that begins with what another had before a point, and return how many results and answers it was given.

    Args:
        store: where both are.
        run_id: the run that is forked; it may be under way.
        at: the point, see `fork.Point`.
        bound: what the new run is bound to, its new id too.
        clock: when that is.

    Raises:
        Refused: the plan has no such point, or there is a run of the new id.
        Corrupt: the other run's journal is damaged.
        StoreError: the store can't be written.
    """
    point = Point(bound.plan, at)
    point.refuse_unknown()
    events = whole(store, run_id)
    state = fold_for_views(events)
    point.refuse_unreached(state)
    kept = prefix(events, state, point)
    began = RunStarted(at=clock.now(), run=bound.run, plan=bound.digest, user=bound.user, forked=f"{run_id} at {at}")
    _refuse_known(store, bound.run)
    with closing(open_log(store, bound.run, owner=owner())) as log:
        if next(iter(log.read()), None) is not None:
            raise Refused(f"a fork to {bound.run} was begun before and never finished", help="give another --run")
        for digest in blobs_of(kept):
            with unless_removed(store, run_id):
                content = store.get(paths.blob(run_id, digest))
            store.create(paths.blob(bound.run, digest), content)
        told: Sequence[Event] = [began, *kept]
        for first in range(0, len(told), CHUNK):
            log.append(told[first : first + CHUNK])
        binding.bind(store, bound)
    return sum(one.kind in {"call_finished", "question_closed"} for one in kept)


def _refuse_known(store: Store, run_id: str) -> None:
    if binding.is_bound(store, run_id):
        raise Refused(f"there is a run {run_id} already", help="give another --run, or none")
