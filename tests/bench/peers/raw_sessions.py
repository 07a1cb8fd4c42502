"""The least that durability can cost: 200 bytes and a sync a step, and nothing else.

Ways: ``append`` (the file grows, fsync) and ``over`` (its bytes are there already, fdatasync: what a database's log does).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from .course import Course, main

RECORD = bytes(200)


def sequence(course: Course) -> Mapping[str, Any]:
    """One file."""
    file = os.open(course.folder / "raw", os.O_CREAT | os.O_WRONLY)
    sync = os.fsync
    if course.way == "over":
        os.write(file, bytes(len(RECORD) * course.steps))
        os.fsync(file)
        os.lseek(file, 0, os.SEEK_SET)
        sync = os.fdatasync
    began = time.perf_counter()
    for _ in range(course.steps):
        os.write(file, RECORD)
        sync(file)
    seconds = time.perf_counter() - began
    os.close(file)
    return {"seconds": seconds}


if __name__ == "__main__":
    main({"sequence": sequence})
