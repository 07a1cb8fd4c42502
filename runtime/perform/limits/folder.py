"""The folder of this machine, and of this user alone, in which processes share what they know of providers' limits."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from .. import world

SETTING = "DARNER_LIMITS"
"""The environment variable that names another folder."""
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is this user's alone
"""Linux has it on every machine, in memory."""
OLD = 2 * 86_400.0
"""Seconds after which what nobody has changed is of no use."""


class Unshared(Exception):
    """Processes can't share; the text says why."""


def key(*parts: str) -> str:
    """Return the name of what is shared under some parts, of which one may be a secret: a digest, which tells none of them."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def folder() -> Path:
    """Return the folder, made where it isn't there; `Unshared` where that can't be, or it is somebody else's.

    It doesn't hang on XDG_RUNTIME_DIR or TMPDIR as long as there is shared memory: a cron job has neither, and must find
    the same one.
    """
    path = _wanted()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise Unshared(f"{path} can't be made: {error.strerror or error}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise Unshared(f"{path} is no folder")
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o022):
        raise Unshared(f"{path} can be written by others")
    return path


def _wanted() -> Path:
    given = world.setting(SETTING)
    if given:
        return Path(given)
    around = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    return around / f"darner-limits-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def sweep(path: Path) -> None:
    """Remove what nobody has changed for long. Whoever has such a file open sees that it is gone, and makes it anew."""
    now = world.SystemClock().now()
    for one in path.iterdir():
        try:
            if now - one.stat().st_mtime > OLD:
                one.unlink()
        except OSError:
            continue
