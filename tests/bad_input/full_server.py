"""A small real S3 server that honours conditions, and that can be full: every write is refused until there is room again."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..journal.forgetful import Forgetful

CODES = {507: "InsufficientStorage", 500: "InternalError", 503: "SlowDown"}


@dataclass
class Room:
    """What a server has left. ``status`` is what it says once ``writes`` more were let through."""

    status: int = 507
    writes: int | None = None
    """None: as many as anybody likes."""
    refused: int = 0

    def taken(self) -> bool:
        """Return whether one more write fits."""
        if self.writes is None:
            return True
        if self.writes > 0:
            self.writes -= 1
            return True
        self.refused += 1
        return False


class Small(Forgetful):
    """Refuses what exists already, and what doesn't fit."""

    room: Room

    def do_PUT(self) -> None:  # noqa: N802 - the name that the standard library looks for
        """Write, where there is room and, if that is the condition, nothing yet."""
        if not self.room.taken():
            self._body()
            said = f"<Error><Code>{CODES[self.room.status]}</Code><Message>the volume is full</Message></Error>"
            self._answer(self.room.status, said.encode())
        elif self.headers.get("If-None-Match") == "*" and self._key() in self.objects:
            self._body()
            self._answer(412, b"<Error><Code>PreconditionFailed</Code><Message>it is there</Message></Error>")
        else:
            super().do_PUT()


@contextmanager
def small_server(room: Room) -> Iterator[str]:
    """Run the server, and yield its endpoint."""
    kind = type("Small", (Small,), {"objects": {}, "room": room})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
