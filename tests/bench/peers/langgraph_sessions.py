"""LangGraph with its SQLite checkpointer and durability="sync": a graph of nodes, its state kept after each of them.

Its settings are its own (a write-ahead log; synchronous=FULL is SQLite's). Ways of a conversation: ``messages`` (the
reducer that its documentation shows) or ``delta`` (its DeltaChannel, in beta, which keeps what was added).
"""

from __future__ import annotations

import asyncio
import operator
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, TypedDict

from .course import SESSION, WARM, Course, Mortal, answered, ask, database_size, main, said

graphs: Any = import_module("langgraph.graph")  # it is installed in the environment of the peers only
sqlite: Any = import_module("langgraph.checkpoint.sqlite")
on_loop: Any = import_module("langgraph.checkpoint.sqlite.aio")
delta: Any = import_module("langgraph.channels.delta")

SYNC = "sync"


class Numbered(TypedDict):
    """The state of a session: where it is, and where it ends."""

    number: int
    end: int


def _looping(step: Callable[[int], int], saver: Any) -> Any:
    """Return a graph whose one node is taken again and again."""

    def node(state: Numbered) -> dict[str, int]:
        return {"number": step(state["number"])}

    return _compiled(node, saver)


def _looping_async(saver: Any) -> Any:
    async def node(state: Numbered) -> dict[str, int]:
        return {"number": state["number"] + 1}

    return _compiled(node, saver)


def _compiled(node: Callable[[Numbered], dict[str, int] | Awaitable[dict[str, int]]], saver: Any) -> Any:
    built = graphs.StateGraph(Numbered)
    built.add_node("step", node)
    built.add_edge(graphs.START, "step")
    built.add_conditional_edges("step", lambda state: "step" if state["number"] < state["end"] else graphs.END)
    return built.compile(checkpointer=saver)


def _settings(thread: str, steps: int) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread}, "recursion_limit": steps + 10}


def _file(course: Course) -> Path:
    return course.folder / "langgraph.sqlite"


def sequence(course: Course) -> Mapping[str, Any]:
    """One session."""
    with sqlite.SqliteSaver.from_conn_string(str(_file(course))) as saver:
        graph = _looping(lambda number: number + 1, saver)
        graph.invoke({"number": 0, "end": WARM}, _settings("warm", WARM), durability=SYNC)
        began = time.perf_counter()
        end = graph.invoke({"number": 0, "end": course.steps}, _settings(SESSION, course.steps), durability=SYNC)
        assert end["number"] == course.steps
        return {"seconds": time.perf_counter() - began}


def sessions(course: Course) -> Mapping[str, Any]:
    """Many threads of a graph side by side, on one event loop."""
    return asyncio.run(_sessions(course))


async def _sessions(course: Course) -> Mapping[str, Any]:
    async with on_loop.AsyncSqliteSaver.from_conn_string(str(_file(course))) as saver:
        graph = _looping_async(saver)

        async def session(first: int) -> int:
            given = {"number": first, "end": first + course.steps}
            end = await graph.ainvoke(given, _settings(f"{first}", course.steps), durability=SYNC)
            return int(end["number"])

        await graph.ainvoke({"number": 0, "end": WARM}, _settings("warm", WARM), durability=SYNC)
        began = time.perf_counter()
        ends = await asyncio.gather(*(session(first) for first in range(course.sessions)))
        assert ends == [first + course.steps for first in range(course.sessions)]
        return {"seconds": time.perf_counter() - began}


def long_session(course: Course) -> Mapping[str, Any]:
    """A session that dies at its last step; in its second life its thread is invoked with nothing new."""
    mortal = Mortal(course.folder, course.steps)
    began = time.perf_counter()
    with sqlite.SqliteSaver.from_conn_string(str(_file(course))) as saver:
        graph, settings = _looping(mortal.step, saver), _settings(SESSION, course.steps)
        given = {"number": 0, "end": course.steps} if course.kind == "die" else None
        assert graph.invoke(given, settings, durability=SYNC)["number"] == course.steps
    return {"to_new_step": mortal.reached - began}


def _appended(before: list[str], writes: Sequence[list[str]]) -> list[str]:
    return [*(before or []), *(one for write in writes for one in write)]


class Whole(TypedDict):
    """A conversation whose channel is kept whole. Texts, since a DeltaChannel gives messages back as objects of its own."""

    said: Annotated[list[str], operator.add]
    turn: int


class Added(TypedDict):
    """A conversation of which a checkpoint keeps what was added."""

    said: Annotated[list[str], delta.DeltaChannel(_appended)]
    turn: int


def _messages(texts: list[str]) -> list[dict[str, str]]:
    return [answered(text) if place % 2 else {"role": "user", "content": text} for place, text in enumerate(texts)]


def talk(course: Course) -> Mapping[str, Any]:
    """A conversation, a turn a node; its size after each turn."""
    file, sizes = _file(course), list[int]()

    def turn(now: Any) -> Any:
        sizes.append(database_size(file))
        asked = said(now["turn"])
        text = ask(course.model, [*_messages(now["said"]), asked])
        return {"said": [asked["content"], text], "turn": now["turn"] + 1}

    built = graphs.StateGraph(Added if course.way == "delta" else Whole)
    built.add_node("say", turn)
    built.add_edge(graphs.START, "say")
    built.add_conditional_edges("say", lambda now: "say" if now["turn"] < course.turns else graphs.END)
    with sqlite.SqliteSaver.from_conn_string(str(file)) as saver:
        graph = built.compile(checkpointer=saver)
        end = graph.invoke({"said": [], "turn": 0}, _settings(SESSION, course.turns), durability=SYNC)
        sizes.append(database_size(file))
    return {"letters": sum(map(len, end["said"])), "before": sizes[0], "sizes": sizes[1:]}


if __name__ == "__main__":
    main({"sequence": sequence, "sessions": sessions, "die": long_session, "resume": long_session, "talk": talk})
