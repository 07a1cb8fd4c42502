"""Virtual time: an event loop whose waits are over at once, and a store in memory, so that days pass in milliseconds."""

from __future__ import annotations

import asyncio
import io
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from darner.runtime.failures import Missing

START = 1_767_225_600.0
TURNS = 400_000
"""Turns of a loop after which it goes round in a circle."""


class Stuck(AssertionError):
    """Nothing will ever happen again, or things happen for ever."""


class _NoWaiting:
    """A selector that waits for nothing: the loop's time goes on instead."""

    def __init__(self, skip: Callable[[float | None], None]) -> None:
        self._real = selectors.DefaultSelector()
        self._skip = skip

    def select(self, timeout: float | None = None) -> list[Any]:
        """Let the time pass; return what is ready."""
        ready = self._real.select(0)
        if not ready:
            self._skip(timeout)
        return ready

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own. Work for threads is done when its time has come, in the only thread there is."""

    def __init__(self, began: float = START) -> None:
        self.virtual = began
        self.heard = began
        """When something last happened that counts, see `hear`."""
        self.patience = float("inf")
        self._turns = 0
        chooser: Any = _NoWaiting(self._pass)
        super().__init__(chooser)
        self._clock_resolution = 1e-5  # at seconds since 1970, the default is less than nothing

    def time(self) -> float:
        """Return the seconds that this loop says it is."""
        return self.virtual

    def hear(self) -> None:
        """Note that something happened: the run goes on."""
        self.heard, self._turns = self.virtual, 0

    def _pass(self, seconds: float | None) -> None:
        self._turns += 1
        if seconds is None:
            raise Stuck("nothing is under way, and nothing ever will be")
        self.virtual += max(1e-6, seconds)  # a timer that is due within the clock's resolution must not be asked for ever
        if self._turns > TURNS or self.virtual - self.heard > self.patience:
            msg = f"nothing has happened for {self.virtual - self.heard:.0f}s and {self._turns} turns: {self._under_way()}"
            self.hear()  # what is left is cancelled, and gets its time for that
            raise Stuck(msg)

    def _under_way(self) -> str:
        return "; ".join(f"{one.get_name()} {one.get_coro()}" for one in asyncio.all_tasks(self))

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # noqa: ARG002 - the names are the library's
        """Do something a moment later."""
        done: asyncio.Future[Any] = self.create_future()

        def work() -> None:
            try:
                value = func(*args)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits; a crash, too
                done.set_exception(error) if not done.done() else None
            else:
                done.set_result(value) if not done.done() else None

        self.call_later(0.01, work)
        return done


class VirtualClock:
    """The loop's time as the machine's."""

    def now(self) -> float:
        """Return seconds since 1970."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class MemoryStore:
    """A store in memory, which many lives of a run share. See `ports.Store`."""

    url = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get(self, name: str) -> bytes:
        """Return an object."""
        if name not in self.objects:
            raise Missing(f"there is no {name}")
        return self.objects[name]

    def put(self, name: str, content: bytes) -> None:
        """Keep an object."""
        self.objects[name] = content

    def create(self, name: str, content: bytes) -> bool:
        """Keep an object, unless there is one."""
        return self.objects.setdefault(name, content) is content

    def exists(self, name: str) -> bool:
        """Return whether there is one."""
        return name in self.objects

    def names(self, prefix: str) -> list[str]:
        """Return names in a folder."""
        return sorted(name for name in self.objects if name.startswith(f"{prefix}/"))

    def size(self, name: str) -> int:
        """Return the bytes of an object or a folder."""
        return sum(len(self.objects[one]) for one in [name, *self.names(name)] if one in self.objects)

    def folders(self, prefix: str) -> list[str]:
        """Return the folders in a folder."""
        return sorted({name[len(prefix) + 1 :].partition("/")[0] for name in self.names(prefix)})

    def delete(self, name: str) -> None:
        """Forget an object or a folder."""
        for one in [name, *self.names(name)]:
            self.objects.pop(one, None)

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """Keep what is written."""
        written = io.BytesIO()
        yield written
        self.put(name, written.getvalue())

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        """Read what was kept."""
        yield io.BytesIO(self.get(name))

    def local_path(self, name: str) -> Path | None:  # noqa: ARG002 - nothing is a file
        """Return None."""
        return None
