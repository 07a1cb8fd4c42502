"""The start of a local Beam worker process: quiet, and gone when its driver is (``python -m …batch.beam_worker``)."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from ..working.notice import WorkerNotice

_LOOK_SECONDS = 0.2


def main() -> None:
    """Run Beam's worker until its driver has no more work, or is gone."""
    # Beam warns while it is imported, and adds a handler that writes to the terminal where there is none.
    logging.getLogger().addHandler(logging.NullHandler())
    # What Beam prints when its driver goes is nobody's news. Children write to the terminal's own descriptor.
    sys.stderr = sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the process's life
    signal.signal(signal.SIGTERM, WorkerNotice())
    threading.Thread(target=_watch, args=(os.getppid(), threading.Event()), daemon=True).start()
    importlib.import_module("apache_beam.runners.worker.sdk_worker_main").main(sys.argv)


def _watch(driver: int, never: threading.Event) -> None:
    while os.getppid() == driver:
        never.wait(_LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
