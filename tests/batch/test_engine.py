"""What a wave hears of the deaths of local worker processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from darner.runtime.batch.driving.engine import chosen_engine, run_wave

_BEAMS_KEEPER = "def keep(end):\n    end.wait()\n    raise RuntimeError('Worker subprocess exited with return code -9')\n"


@pytest.fixture(autouse=True)
def _hook() -> Iterator[None]:
    """Give the hook of threads back: a wave keeps its own until the process ends."""
    before = threading.excepthook
    yield
    threading.excepthook = before


def _keeper(end: threading.Event) -> threading.Thread:
    """Start a thread like the one in which Beam waits for a worker process: same name, same module, same end."""
    names: dict[str, object] = {}
    exec(compile(_BEAMS_KEEPER, "apache_beam/worker.py", "exec"), names)  # noqa: S102 - the file's name is what counts
    thread = threading.Thread(name="run_worker", target=names["keep"], args=(end,), daemon=True)  # type: ignore[arg-type] # compiled above
    thread.start()
    return thread


def test_the_death_of_an_earlier_waves_worker_says_nothing_of_the_wave_that_runs_now() -> None:
    """Else a wave that is given up takes the next one with it, and that one the next."""
    end, died = threading.Event(), list[str]()
    earlier = _keeper(end)
    run_wave([], [], chosen_engine("in_memory", {}, workers=1), lambda: died.append("a worker"))
    ours = _keeper(threading.Event())
    end.set()
    earlier.join()
    assert died == []
    assert ours.is_alive()


def test_the_death_of_a_waves_own_worker_is_heard() -> None:
    """A thread that began after the wave did keeps one of the wave's workers."""
    end, died = threading.Event(), list[str]()
    run_wave([], [], chosen_engine("in_memory", {}, workers=1), lambda: died.append("a worker"))
    ours = _keeper(end)
    end.set()
    ours.join()
    assert died == ["a worker"]
