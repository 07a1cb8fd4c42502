"""Finding files: a path, a URL, a glob, a folder or a list of them, as the files that they mean."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec

from ..errors import ConnectorError

INSTALL: Mapping[str, str] = {
    "s3fs": "pip install 'darner[s3]'",
    "adlfs": "pip install adlfs",
    "gcsfs": "pip install gcsfs",
    "aiohttp": "pip install aiohttp",
}


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file: the name that messages give it, and how to open it."""

    name: str
    path: str
    system: Any
    """The fsspec file system that holds it."""
    is_local: bool


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds files; relative paths are relative to ``base``. ``storage`` are options of the file system."""

    base: Path
    storage: Mapping[str, Any]

    def find(self, url: str) -> list[FoundFile]:
        """Return the files that one path, URL, glob or folder means, sorted; ConnectorError where there is none."""
        system, path = self._system(url)
        try:
            found = self._paths(system, path)
        except Exception as error:  # each remote file system raises exceptions of its own
            msg = f"{url} can't be looked at: {_said(error)}"
            raise ConnectorError(msg, help="check the address, the credentials and the right to read it") from error
        if not found:
            if _is_folder(system, path):
                msg = f"the folder {url} holds no Parquet, CSV or JSONL file"
                raise ConnectorError(msg, help="name the folder with the files; names that begin with a dot or an underscore are left out")
            msg = f"no file matches {url}" if glob.has_magic(url) else f"there is no file {url}"
            raise ConnectorError(msg, help=nearby(system, path))
        return [self._file(system, one) for one in found]

    def open(self, name: str) -> FoundFile:
        """Return the file of a name that `find` gave."""
        system, path = self._system(name)
        return self._file(system, path)

    def _system(self, url: str) -> tuple[Any, str]:
        address = url if is_url(url) else str(self.base / Path(url).expanduser())
        try:
            system, path = fsspec.core.url_to_fs(address, **self.storage)
        except ImportError as error:
            package = next((name for name in INSTALL if name in str(error)), None)
            msg = f"{url} needs a package that isn't installed: {error}"
            raise ConnectorError(msg, help=INSTALL[package] if package else "install it") from error
        except (ValueError, TypeError) as error:
            msg = f"{url} is no address that can be read: {error}"
            raise ConnectorError(msg, help="give a path or a URL such as s3://bucket/folder/*.parquet") from error
        return system, path

    def _paths(self, system: Any, path: str) -> list[str]:
        if system.isfile(path):
            return [path]
        if system.isdir(path):
            return sorted(one["name"] for one in system.ls(path, detail=True) if one["type"] == "file" and not _is_hidden(one["name"]))
        if not glob.has_magic(path):
            return []
        return sorted(name for name, one in system.glob(path, detail=True).items() if one["type"] == "file")

    def _file(self, system: Any, path: str) -> FoundFile:
        is_local = _is_local(system)
        return FoundFile(self._local_name(path) if is_local else system.unstrip_protocol(path), path, system, is_local)

    def _local_name(self, path: str) -> str:
        here = Path(path)
        return str(here.relative_to(self.base)) if here.is_relative_to(self.base) else path


def is_url(text: str) -> bool:
    """Return whether a text is an address for fsspec rather than a local path."""
    return "://" in text or "::" in text


def nearby(system: Any, path: str) -> str:
    """Return a line that says what is to be found near a path that isn't there."""
    parts = [part for part in path.split("/") if part]
    lead = "/" if path.startswith("/") else ""
    for depth in range(len(parts) - 1, 0, -1):
        folder = lead + "/".join(parts[:depth])
        names = _names(system, folder)
        if names is not None:
            return _line(folder, names, parts[depth])
    return "nothing is there"


def _names(system: Any, folder: str) -> list[str] | None:
    try:
        if not system.isdir(folder):
            return None
        return sorted(one.rstrip("/").rpartition("/")[2] for one in system.ls(folder, detail=False))
    except Exception:  # noqa: BLE001 - this only looks for help, and each remote file system raises exceptions of its own
        return None


def _is_folder(system: Any, path: str) -> bool:
    try:
        return bool(system.isdir(path))
    except Exception:  # noqa: BLE001 - likewise
        return False


def _line(folder: str, names: Sequence[str], wanted: str) -> str:
    if not names:
        return f"the folder {folder} is empty"
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5) or list(names[:5])
    more = "" if len(close) == len(names) else f" (of {len(names)})"
    return f"in {folder} there is: {', '.join(close)}{more}"


def _is_local(system: Any) -> bool:
    protocol = system.protocol if isinstance(system.protocol, str) else system.protocol[0]
    return protocol in {"file", "local"}


def _is_hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(("_", "."))


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
