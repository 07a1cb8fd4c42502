"""DBOS with SQLite: workflows in plain Python, each step's result in a row of a table.

Its settings are its own, and SQLite's (a rollback journal, synchronous=FULL). Ways: ``async`` or ``sync`` workflows; in a
conversation ``answer`` (the step returns the model's answer) or ``messages`` (it returns the whole list of messages).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .course import SESSION, WARM, Course, Mortal, answered, ask, database_size, main, said

dbos: Any = import_module("dbos")  # it is installed in the environment of the peers only
DBOS, SetWorkflowID = dbos.DBOS, dbos.SetWorkflowID


def _launch(course: Course) -> None:
    url = f"sqlite:///{course.folder / 'dbos.sqlite'}"
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})
    DBOS.launch()


def _add(number: int) -> int:
    return number + 1


async def _add_async(number: int) -> int:
    return number + 1


def _sync_session() -> Any:
    step = DBOS.step(name="add")(_add)

    def session(steps: int, first: int) -> int:
        number = first
        for _ in range(steps):
            number = step(number)
        return number

    return DBOS.workflow(name="session")(session)


def _async_session() -> Any:
    step = DBOS.step(name="add_async")(_add_async)

    async def session(steps: int, first: int) -> int:
        number = first
        for _ in range(steps):
            number = await step(number)
        return number

    return DBOS.workflow(name="session_async")(session)


def sequence(course: Course) -> Mapping[str, Any]:
    """One session."""
    session = _sync_session()
    _launch(course)
    session(WARM, 0)
    began = time.perf_counter()
    assert session(course.steps, 0) == course.steps
    return {"seconds": time.perf_counter() - began}


def sessions(course: Course) -> Mapping[str, Any]:
    """Many workflows side by side: in its threads, or on one event loop."""
    if course.way == "async":
        return asyncio.run(_on_one_loop(course))
    session = _sync_session()
    _launch(course)
    session(WARM, 0)
    began = time.perf_counter()
    handles = [DBOS.start_workflow(session, course.steps, first) for first in range(course.sessions)]
    assert [handle.get_result() for handle in handles] == [first + course.steps for first in range(course.sessions)]
    return {"seconds": time.perf_counter() - began}


async def _on_one_loop(course: Course) -> Mapping[str, Any]:
    session = _async_session()
    _launch(course)
    await session(WARM, 0)
    began = time.perf_counter()
    handles = await asyncio.gather(*(DBOS.start_workflow_async(session, course.steps, first) for first in range(course.sessions)))
    ends = await asyncio.gather(*(handle.get_result() for handle in handles))
    assert ends == [first + course.steps for first in range(course.sessions)]
    return {"seconds": time.perf_counter() - began}


def long_session(course: Course) -> Mapping[str, Any]:
    """A session that dies at its last step; in its second life `DBOS.launch` goes on with it."""
    mortal = Mortal(course.folder, course.steps)

    def number_on(number: int) -> int:  # a decorated function is marked, which a method can't be
        return mortal.step(number)

    step = DBOS.step(name="mortal")(number_on)

    def session(steps: int) -> int:
        mortal.served_from = time.perf_counter()
        number = 0
        for _ in range(steps):
            number = step(number)
        return number

    workflow = DBOS.workflow(name="mortal_session")(session)
    began = time.perf_counter()
    _launch(course)
    with SetWorkflowID(SESSION):
        assert DBOS.start_workflow(workflow, course.steps).get_result() == course.steps
    return {"to_new_step": mortal.reached - began, "served": (mortal.reached - mortal.served_from) / (course.steps - 1)}


def talk(course: Course) -> Mapping[str, Any]:
    """A conversation; its size after each turn."""
    file, sizes = course.folder / "dbos.sqlite", list[int]()

    def answer(messages: list[dict[str, str]]) -> Any:
        text = ask(course.model, messages)
        return text if course.way == "answer" else [*messages, answered(text)]

    step = DBOS.step(name="answer")(answer)

    def conversation(turns: int) -> int:
        messages: list[dict[str, str]] = []
        for turn in range(turns):
            told = step([*messages, said(turn)])
            messages = [*messages, said(turn), answered(told)] if course.way == "answer" else told
            sizes.append(database_size(file))
        return sum(len(message["content"]) for message in messages)

    workflow = DBOS.workflow(name="conversation")(conversation)
    _launch(course)
    before = database_size(file)
    return {"letters": workflow(course.turns), "before": before, "sizes": sizes}


if __name__ == "__main__":
    main({"sequence": sequence, "sessions": sessions, "die": long_session, "resume": long_session, "talk": talk})
