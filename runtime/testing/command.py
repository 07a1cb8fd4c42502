"""``python -m darner.testing serve --script FILE``: a scripted model server as a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ..failures import DarnerError
from .server import ModelServer

WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="python -m darner.testing", description="What tests of agents need.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a script over the OpenAI protocol on loopback")
    serve.add_argument("--script", type=Path, required=True, help="the script's file")
    serve.add_argument("--port", type=int, default=0, help="a port; a free one by default")
    serve.add_argument("--delay", type=float, default=0.0, help="seconds that every answer takes")
    given = parser.parse_args(arguments)
    try:
        with ModelServer(given.script, delay=given.delay, port=given.port) as server:
            sys.stdout.write(f"{server.base_url}\n")
            sys.stdout.flush()
            _wait()
    except (DarnerError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return WRONG
    return 0


def _wait() -> None:
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    signal.sigwait(signals)
