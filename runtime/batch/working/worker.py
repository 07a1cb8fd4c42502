"""The inside of a Beam worker: it hands shard references to its child process and marks what became of them."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
import time
from dataclasses import dataclass, field

from ....compiler.settings import FailureClass
from ...failures import Corrupt, DarnerError, Failure, Fenced, Preempted, StoreError
from ...ledger import Totals
from ...perform.processes.children import Child, ChildTask, ProcessId
from ...perform.processes.promises import Claim, claimed
from ...perform.processes.room import Room
from ...perform.world import SystemClock
from ..groups import Allowance
from ..markers import Board, Waiting
from ..model import Marker, ShardRef
from ..order import GroupOrder
from .notice import of_this_process
from .spending import Spending

_LOOK_SECONDS = 0.1
_STOP_LOOKS = 10
"""Every so many looks, whether the driver has stopped; a store may be far away."""
_LINGER_SECONDS = 1.0
"""How long an idle child is kept: the next bundle of the same group often follows at once, the next group's may not wait."""
_WAIT_SECONDS = 0.5
"""How often a worker looks whether there is memory for its child, and whether it is still to begin."""
_SAID_AFTER = 10
"""So many looks, after which it says that it waits: the next group often has what this one had a moment ago."""
_YIELD_SECONDS = 60.0
"""How long a worker keeps its memory from one shard to the next while others wait for it: a new child has much to load."""
RUNNER = f"{__package__}.shard:GroupRunner"


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What every worker of a group is handed: the order, the memory ladder, and who must be alive for it to go on."""

    order: GroupOrder
    ladder: tuple[Allowance, ...]
    threads: int
    driver: ProcessId
    host: str = field(default_factory=socket.gethostname)


class GroupWorker:
    """Works on one group, shard after shard, in one child process; a child has the memory of one rung."""

    def __init__(self, order: WorkerOrder) -> None:
        self._order = order
        group = order.order
        self._board = Board(group.store.open(), group.job, group.planned, group.generation)
        self._spending = Spending(self._board.store, group.job, group.planned, group.compiled.plan)
        self._child: Child | None = None
        self._claim: Claim | None = None
        self._rung = 0
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._notice = of_this_process()

    def process(self, ref: ShardRef) -> bool:
        """Do one shard, unless it is done; return whether it is, so that the next group may go on with it."""
        known = self._board.read(self._order.order.group, ref.shard)
        if known is not None and (known.outcome == "done" or known.attempt >= ref.attempt):
            return known.outcome == "done"
        if not self._may_begin():
            return False
        with self._lock, self._notice.at_work():
            self._stay()
            return self._has_room(ref.rung) and self._work(ref).outcome == "done"

    def _may_begin(self) -> bool:
        """Return whether the driver still wants work done: a worker may outlive a killed driver for seconds."""
        here = self._order.host == socket.gethostname()
        gone = self._notice.given or (here and not self._order.driver.alive())
        return not (gone or self._board.stopped() or self._board.fenced()) and self._spending.leaves_something

    def _has_room(self, rung: int) -> bool:
        """Wait until the rung's memory is there, beside what other runs on this machine have promised; False where work ends first."""
        if self._claim is not None and (self._rung != rung or self._claim.is_wanted(_YIELD_SECONDS)):
            self.close()  # whoever waits comes before the next shard
        memory = self._order.ladder[rung].memory
        if self._claim is None and memory:
            self._claim = claimed(memory)
        looks = itertools.count(1)
        while self._claim is not None and not self._claim.granted(Room().most):
            if not self._may_begin():
                self.close()
                return False
            if next(looks) == _SAID_AFTER:
                with contextlib.suppress(StoreError):  # it is only said
                    self._board.wait(Waiting(host=socket.gethostname(), memory=self._claim.memory))
            time.sleep(_WAIT_SECONDS)
        return True

    def _work(self, ref: ShardRef) -> Marker:
        group = self._order.order.group
        self._board.start(group, ref, SystemClock().now())
        began, over = time.monotonic(), threading.Event()
        threading.Thread(target=self._watch, args=(ref, over), daemon=True, name="darner-watch").start()
        try:
            marker = self._attempted(ref)
        finally:
            over.set()
        seconds = time.monotonic() - began
        told = {"seconds": seconds, "worker": f"{socket.gethostname()}:{os.getpid()}"}
        if marker.failure is not None:
            told["failures"] = {marker.failure: Totals(attempts=1, calls=int(ref.attempt == 1), seconds=seconds)}
        return self._board.finish(marker.model_copy(update=told))

    def _watch(self, ref: ShardRef, over: threading.Event) -> None:
        """Have a shard hand over as soon as this process is to leave, or the driver stops, wherever that is."""
        looks = itertools.count(1)
        while not over.wait(_LOOK_SECONDS):
            if self._notice.given:
                # Said at once: a process that is killed while it hands over was preempted all the same.
                self._board.finish(self._failed(ref, Preempted("its worker was asked to leave (SIGTERM)"), "preempted"))
                break
            if next(looks) % _STOP_LOOKS == 0 and self._board.stopped():
                break
        while not over.wait(_LOOK_SECONDS):
            child = self._child
            if child is not None and child.leave():  # once: a second time would catch it at its farewell
                break

    def _attempted(self, ref: ShardRef) -> Marker:
        allowance = self._order.ladder[ref.rung]
        try:
            reply = self._child_for(ref.rung).call({"shard": ref.shard, "attempt": ref.attempt, "rung": ref.rung, "batch": allowance.batch})
            return Marker.model_validate(reply)
        except Preempted as preempted:
            self.close()  # it is leaving
            return self._failed(ref, preempted, "preempted")
        except Failure as failure:
            return self._failed(ref, failure, failure.kind)
        except Corrupt as corrupt:
            return self._failed(ref, corrupt, None)
        except (StoreError, Fenced):
            # Where nothing can be written, no marker can either: the wave ends, and the driver says why (see `passing`).
            raise
        except DarnerError as error:
            return self._failed(ref, error, "error")

    def _failed(self, ref: ShardRef, error: DarnerError, kind: FailureClass | None) -> Marker:
        group = self._order.order.group
        said = error.message if error.help is None else f"{error.message} ({error.help})"
        return Marker(shard=ref.shard, group=group, attempt=ref.attempt, rung=ref.rung, outcome="failed", failure=kind, message=said)

    def _child_for(self, rung: int) -> Child:
        if self._child is not None and self._rung == rung:
            return self._child
        self._end()
        order, allowance = self._order.order, self._order.ladder[rung]
        task = ChildTask(
            target=RUNNER,
            setup=order.model_dump(mode="json", by_alias=True),
            memory=allowance.memory,
            sys_path=(order.folder,) if order.folder else (),
            threads=self._order.threads,
            owner=self._order.driver if self._order.host == socket.gethostname() else None,
        )
        self._child, self._rung = Child(task), rung
        return self._child

    def rest(self) -> None:
        """End the child soon, unless more work comes: its memory belongs to the next group."""
        self._stay()
        self._timer = threading.Timer(_LINGER_SECONDS, self._leave)
        self._timer.daemon = True
        self._timer.start()

    def _leave(self) -> None:
        with self._lock:
            self.close()

    def _stay(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """End the child, and give its memory back."""
        self._end()
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.close()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()
