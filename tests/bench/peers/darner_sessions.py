"""darner: the same courses, in the ways that a flow can be written.

Ways of ``sequence``: ``async`` and ``plain`` (Python in control, over a function of that kind), ``loop``, ``map`` and
``wide`` (one item, or 64, at a time). Ways of ``sessions``: ``map`` (one run, whose items are sessions) and ``runs`` (a run a
session, each in a thread); of ``swarm``, too.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from darner.runtime.journal.binding import Binding
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.places import served
from darner.runtime.ports import Json, Store
from darner.runtime.project.load import compile_spec

from .course import SESSION, WARM, Course, files_size, main
from .where import sampled

JOBS = Path(__file__).resolve().parents[1] / "jobs"
WAYS = {"async": "walk_async", "plain": "walk", "loop": "rounds", "map": "steps", "wide": "wide_steps"}
THREADS = 64


@cache
def compiled(spec: str) -> Any:
    """Return a spec of the jobs folder, compiled once."""
    return compile_spec(JOBS / f"{spec}.yaml")


def bound(spec: str, run: str, inputs: Json) -> Binding:
    """Return what a run is bound to."""
    found = compiled(spec)
    return Binding(run, found.plan, found.lock, found.prompts, inputs, {}, str(JOBS / f"{spec}.yaml"))


def live(store: Store, binding: Binding, model: str = "") -> Json:
    """Run, or go on with a run, and return its outputs."""
    places = {name: served(one, model) for name, one in binding.plan.models.items()}
    state = run_flow(store, binding, Surroundings(EnvironmentSecrets({}), places))
    assert state.finished is not None
    assert state.finished.status == "done", state.finished.error
    return state.finished.outputs


@contextmanager
def timed(course: Course) -> Iterator[dict[str, Any]]:
    """Yield what is told of the block once it is over: its seconds, and where they went if that is wanted."""
    told: dict[str, Any] = {}
    with sampled() if course.sampled else nullcontext(Counter[str]()) as rooms:
        began = time.perf_counter()
        yield told
        told["seconds"] = time.perf_counter() - began
    told["rooms"] = dict(rooms)


def sequence(course: Course) -> Mapping[str, Any]:
    """One session."""
    spec, store = WAYS[course.way or "async"], open_store(course.folder)
    live(store, bound(spec, "warm", {"count": WARM}))
    with timed(course) as told:
        live(store, bound(spec, SESSION, {"count": course.steps}))
    return told | {"bytes": files_size(course.folder / "runs" / SESSION / "journal") / course.steps}


def sessions(course: Course) -> Mapping[str, Any]:
    """Many sessions side by side."""
    return (_runs if course.way == "runs" else _one_run)(course)


def _one_run(course: Course) -> Mapping[str, Any]:
    store = open_store(course.folder)
    live(store, bound("many", "warm", {"sessions": 2, "count": WARM}))
    with timed(course) as told:
        ends = live(store, bound("many", SESSION, {"sessions": course.sessions, "count": course.steps}))
    assert ends == [first + course.steps for first in range(course.sessions)]
    return told


def _runs(course: Course) -> Mapping[str, Any]:
    store = open_store(course.folder)
    live(store, bound("walk_async", "warm", {"count": WARM}))

    def session(number: int) -> None:
        assert live(store, replace(first, run=f"{SESSION}-{number}")) == course.steps

    first = bound("walk_async", SESSION, {"count": course.steps})
    with ThreadPoolExecutor(THREADS) as threads, timed(course) as told:
        list(threads.map(session, range(course.sessions)))
    return told


def swarm(course: Course) -> Mapping[str, Any]:
    """Many sessions in a store that may be a bucket; run again, all are gone on with."""
    store = open_store(course.store or course.folder / "store")
    given = {"count": course.steps, "counter": str(course.folder / "counter"), "deadly": course.deadly}
    ends = [first + course.steps for first in range(course.sessions)]
    if course.way == "runs":
        one = bound("swarm_one", SESSION, {})

        def session(first: int) -> Json:
            return live(store, replace(one, run=f"{SESSION}-{first}", inputs={**given, "first": first}))

        with ThreadPoolExecutor(course.sessions) as threads, timed(course) as told:
            assert list(threads.map(session, range(course.sessions))) == ends
        return told
    whole = bound("swarm", SESSION, {**given, "sessions": course.sessions})
    with timed(course) as told:
        assert live(store, whole) == ends
    return told


def long_session(course: Course) -> Mapping[str, Any]:
    """A session that dies at its last step, and is gone on with."""
    jobs: Any = import_module("sessions")
    marker = course.folder.parent / "died"
    binding = bound("long_walk", SESSION, {"count": course.steps, "marker": str(marker)})
    began = time.perf_counter()
    with timed(course) as told:
        assert live(open_store(course.folder), binding) == course.steps
    served_from, reached = jobs.SERVED_FROM
    return told | {"to_new_step": reached - began, "served": (reached - served_from) / (course.steps - 1)}


def talk(course: Course) -> Mapping[str, Any]:
    """A conversation; its size after each turn."""
    jobs: Any = import_module("talking")
    letters = live(open_store(course.folder), bound("talk", SESSION, {"turns": course.turns, "folder": str(course.folder)}), course.model)
    return {"letters": letters, "before": jobs.SIZES[0], "sizes": jobs.SIZES[1:]}


if __name__ == "__main__":
    sys.path.insert(0, str(JOBS))
    main({"sequence": sequence, "sessions": sessions, "die": long_session, "resume": long_session, "talk": talk, "swarm": swarm})
