"""Whether a local folder can be written, asked before any work is done for it."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import ConnectorError


def refuse_unwritable(folder: Path) -> None:
    """Raise ConnectorError where a folder is a file, lies below one, or this user may not write there. Nothing is made."""
    there = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
    if not there.is_dir():
        msg = f"the table {folder} can't be written: {there} is no folder"
        raise ConnectorError(msg, help="write to another folder, or move that file away")
    if not os.access(there, os.W_OK | os.X_OK):
        msg = f"the table {folder} can't be written: this user has no right to write in {there}"
        raise ConnectorError(msg, help="change the folder's owner or rights, or write to another one")
