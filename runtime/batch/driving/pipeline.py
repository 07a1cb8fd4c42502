"""The Beam pipeline of one wave: a straight line of groups over shard references. Import late; it brings Beam."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from ..model import ShardRef
from ..passing import passed_on
from ..working.worker import GroupWorker, WorkerOrder
from .engine import WORKER_MODULE

beam: Any = apache_beam
"""Untyped: Beam's own annotations don't cover what it does."""
Element = tuple[int, dict[int, tuple[int, int]]]
"""A shard, and for each group the attempt and the rung at which it is tried in this wave."""


class RunGroup(apache_beam.DoFn):
    """Runs one group over shard references; failures are markers in the store, and exceptions only where no marker can be written."""

    def __init__(self, order: WorkerOrder) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Beam is untyped
        self._order = order
        self._worker: GroupWorker | None = None

    def process(self, element: Element) -> Iterator[Element]:
        """Do one shard, and pass it on where it is done."""
        shard, tries = element
        attempt, rung = tries.get(self._order.order.group, (1, 0))
        try:
            if self._worker is None:
                self._worker = GroupWorker(self._order)
            done = self._worker.process(ShardRef(shard, attempt, rung))
        except Exception as error:
            raise passed_on(error) from error
        if done:
            yield element

    def finish_bundle(self) -> None:
        """Let the child go, unless the next bundle comes soon."""
        if self._worker is not None:
            self._worker.rest()

    def teardown(self) -> None:
        """End the child."""
        if self._worker is not None:
            self._worker.close()


def run_pipeline(elements: Sequence[Element], orders: Sequence[WorkerOrder], options: Mapping[str, Any], *, processes: bool) -> None:
    """Run one wave and return when it has ended; raises what Beam raises, if a worker was killed."""
    runner = _process_runner() if processes else None
    with beam.Pipeline(runner=runner, options=PipelineOptions(flags=[], **options)) as pipeline:
        refs: Any = pipeline | "shards" >> beam.Create(list(elements), reshuffle=True)
        for order in orders:
            # Hints would give every group a worker pool of its own on the local runner; memory is enforced by the child.
            refs = refs | f"group {order.order.group}" >> beam.ParDo(RunGroup(order))
            if order is not orders[-1]:
                refs = refs | f"after group {order.order.group}" >> beam.Reshuffle()


def _process_runner() -> FnApiRunner:
    """Return the local runner with worker processes that are started our way."""
    # Beam hands the command to a shell: without exec the worker would be the shell's child, and not end with the driver.
    command = f"exec {shlex.quote(sys.executable)} -m {WORKER_MODULE}"
    environment: Any = SubprocessSDKEnvironment
    return FnApiRunner(default_environment=environment.from_command_string(command))
