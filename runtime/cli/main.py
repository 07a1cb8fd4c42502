"""The command ``darner``, entered: a Ctrl-C is one line, even while everything is still being imported."""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; no traceback reaches a person without ``--debug``."""
    try:
        # Imported in here: it takes most of a second, in which somebody may change their mind.
        from .application import perform  # noqa: PLC0415 - as said

        return perform(list(arguments))
    except KeyboardInterrupt:
        sys.stderr.write("stopped before anything had begun\n")
        return INTERRUPTED
