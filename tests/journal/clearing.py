"""A process that lets a store go of everything it may, again and again: ``python -m tests.journal.clearing STORE STOP``.

It stops when the file STOP is there, and says how many runs went; anything but exit code 0 is an error.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

from darner.runtime.cli.main import run as darner


def main(store: str, stop: str) -> int:
    """Clear until told to stop."""
    gone: list[str] = []
    while not Path(stop).exists():
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            code = darner(["gc", "--older-than", "0s", "--json", "--store", store])
        if code != 0:
            return code
        gone.extend(json.loads(told.getvalue())["runs"])
    sys.stdout.write(json.dumps(gone))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
