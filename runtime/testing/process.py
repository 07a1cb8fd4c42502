"""A server of somebody else's as a process of its own, on a free port of loopback."""

from __future__ import annotations

import socket
import subprocess
import time
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
UP_WITHIN, DOWN_WITHIN = 60.0, 10.0


class ServerProcess:
    """A command that serves on the port which is its last argument; up between ``with`` and its end."""

    def __init__(self, *command: str) -> None:
        self._port = _free_port()
        self._command = (*command, str(self._port))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - a test's own
        deadline = time.monotonic() + UP_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                msg = f"{self._command[0]} doesn't serve"
                raise RuntimeError(msg)
            time.sleep(0.05)
        return self

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((HOST, self._port)) == 0

    def stop(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(DOWN_WITHIN)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])
