"""Which Beam runner does the work, and how it is started."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from ....compiler.diagnostics import did_you_mean
from ...failures import Refused
from ..working.worker import WorkerOrder

WORKER_MODULE = f"{__package__}.beam_worker"
_KEEPER = "run_worker"
"""The name of Beam's threads that start a worker process and wait for its end."""
_LOCAL = ("in_memory", "multi_threading", "multi_processing")


@dataclass(frozen=True, slots=True)
class Engine:
    """A runner by name. ``options`` are Beam's; ``processes`` says that the local runner starts worker processes."""

    name: str
    workers: int
    options: Mapping[str, Any]
    processes: bool = False


def chosen_engine(wanted: str | None, options: Mapping[str, Any], *, workers: int) -> Engine:
    """Return the engine that is asked for, or the one for so many workers; `Refused` for an unknown one.

    Rows are computed in child processes whatever the engine: of the local ones threads are enough to hand out shards.
    ``options`` are the target's: with ``runner`` among them, any runner that Beam knows is passed its options as they are.
    """
    if wanted is None and "runner" not in options:
        wanted = "multi_threading" if workers > 1 else "in_memory"
    if wanted in _LOCAL:
        # Beam's DirectRunner would look for another runner on the network first.
        count = 1 if wanted == "in_memory" else workers
        processes = wanted == "multi_processing"
        mode = {} if processes else {"direct_running_mode": wanted}
        return Engine(wanted, count, {"runner": "FnApiRunner", "direct_num_workers": count, **mode, **options}, processes)
    if "runner" in options and wanted in {None, options["runner"]}:
        return Engine(str(options["runner"]), workers, options)
    known = did_you_mean(wanted or "", _LOCAL) or f"engines: {', '.join(_LOCAL)}"
    raise Refused(f"there is no engine {wanted!r} here", help=f"{known}; another runner needs `runner` among the options of its target")


def need_beam() -> None:
    """Refuse where Beam isn't installed; nothing is imported."""
    if importlib.util.find_spec("apache_beam") is None:
        raise Refused("jobs need Apache Beam, and it isn't installed", help="pip install 'darner[batch]'")


def run_wave(elements: Sequence[Any], orders: Sequence[WorkerOrder], engine: Engine, on_death: Callable[[], None]) -> None:
    """Run one wave on an engine and return when it has ended; raises what Beam raises, if a worker was killed.

    Beam may also wait for ever for a worker that was killed before it had said a word: ``on_death`` is called from
    another thread as soon as a local worker process has ended badly, see `kill_workers`.
    """
    _quieten()
    pipeline = importlib.import_module(".pipeline", __package__)
    _quieten()
    # A wave that was given up goes on dying after the next one has begun: its workers' ends say nothing of the new ones.
    before = frozenset(thread for thread in threading.enumerate() if thread.name == _KEEPER)
    threading.excepthook = partial(_of_threads, on_death, before)
    pipeline.run_pipeline(elements, orders, engine.options, processes=engine.processes)


def kill_workers() -> None:
    """Kill the local worker processes of this driver, so that nothing waits for them any more; they may be dying already."""
    with contextlib.suppress(psutil.Error, OSError):
        for process in psutil.Process().children():
            with contextlib.suppress(psutil.Error, OSError):
                if WORKER_MODULE in process.cmdline():
                    process.kill()


def _quieten() -> None:
    """Keep Beam's log off the terminal: what a person must know is in markers. Beam adds a handler where there is none."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)


def _of_threads(on_death: Callable[[], None], before: frozenset[threading.Thread], raised: threading.ExceptHookArgs) -> None:
    """Show what a thread raised, unless it is one of Beam's: a killed worker is told of by its markers.

    ``before`` are the keepers of earlier waves' workers, of which nobody needs to hear.
    """
    frames = traceback.extract_tb(raised.exc_traceback)
    if not any("apache_beam" in frame.filename for frame in frames):
        threading.__excepthook__(raised)
    elif raised.thread is not None and raised.thread.name == _KEEPER and raised.thread not in before:
        on_death()
