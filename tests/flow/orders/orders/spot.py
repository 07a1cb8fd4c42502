"""Work that may have to leave its machine."""

from __future__ import annotations

import os
import time
from pathlib import Path


def begin(folder: str) -> int:
    """Do what is never done twice."""
    with Path(folder, "begun").open("a") as file:
        file.write("begun\n")
    return 1


def go_on(folder: str, after: int) -> int:
    """Count as far as it gets, and keep the count when it has to leave; return it once there is a file "go"."""
    kept = Path(folder, "count")
    count = int(kept.read_text()) if kept.exists() else after
    try:
        with Path(folder, "pids").open("a") as file:
            file.write(f"{os.getpid()}\n")
        while not Path(folder, "go").exists():
            time.sleep(0.02)
            count += 1
    finally:
        kept.write_text(str(count))
    return count
