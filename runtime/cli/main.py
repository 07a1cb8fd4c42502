"""The command ``darner``, entered: a Ctrl-C is one line, even while everything is still being imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    try:
        code = run(sys.argv[1:] if arguments is None else arguments)
    finally:
        _drop_what_stderr_does_not_take()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; no traceback reaches a person without ``--debug``."""
    _open_what_is_closed()
    try:
        # Imported in here: it takes most of a second, in which somebody may change their mind.
        from .application import perform  # noqa: PLC0415 - as said

        return perform(list(arguments))
    except KeyboardInterrupt:
        sys.stderr.write("stopped before anything had begun\n")
        return INTERRUPTED


def _drop_what_stderr_does_not_take() -> None:
    """Have what a full disk under stderr left over go nowhere: Python tries once more when it ends, and would exit with 120."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _open_what_is_closed() -> None:
    """Have nothing where the caller closed stdin, stdout or stderr: else the next file, a journal's too, would be what is printed to."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115, PTH123 - for as long as the process lives
