"""A store in a folder of this machine: every write is a temporary file, an fsync and one rename or link."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..failures import Missing, Refused, StoreError
from . import paths

_GO_ON = "what was finished is kept, run the same command again to go on"
_WHAT_TO_DO = {
    errno.ENOSPC: ("the disk is full, no space is left", f"make room; {_GO_ON}"),
    errno.EDQUOT: ("the disk quota is used up", f"make room; {_GO_ON}"),
    errno.EROFS: ("the file system is read-only", "mount it writable, or give another folder with --store"),
    errno.EACCES: ("access is denied", "change the folder's owner or rights, or give another folder with --store"),
    errno.EPERM: ("access is denied", "change the folder's owner or rights, or give another folder with --store"),
    errno.EFBIG: ("a file would be larger than this process may write", f"raise the limit (ulimit -f); {_GO_ON}"),
    errno.EMFILE: ("too many files are open", f"raise the limit (ulimit -n); {_GO_ON}"),
    errno.ENOENT: ("there is no such folder, and none can be made there", "give another folder with --store"),
    errno.EIO: ("the disk reports an error", "look at the disk; nothing that was already durable was touched"),
}
_TEMPORARY, _GONE = ".tmp", ".gone"
_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG})


def explained(error: OSError, what: str) -> StoreError:
    """Return an operating system's error as a `StoreError` that says what to do next."""
    reason, help_text = _WHAT_TO_DO.get(error.errno or 0, (error.strerror or str(error), None))
    return StoreError(f"{what}: {reason}", help=help_text)


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Turn the operating system's errors inside the block into `Missing` and `StoreError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise Missing(f"{what}: there is no such object") from error
    except OSError as error:
        raise explained(error, what) from error


@contextmanager
def saying_disk_errors(what: str) -> Iterator[None]:
    """Turn what the disk says into `StoreError`; any other error belongs to whoever is writing, and passes as it is."""
    try:
        yield
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise explained(error, what) from error
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably; nothing happens where it is there."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    sync_folder(folder.parent)


def sync_file(path: Path) -> None:
    """Make a file's bytes durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb", buffering=0) as file:
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]
        os.fsync(file.fileno())


def _linked(temporary: Path, target: Path, content: bytes) -> bool:
    _write(temporary, content)
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    return True


def _temporary_name(target: Path) -> Path:
    return target.with_name(f".{secrets.token_hex(8)}{_TEMPORARY}")


def remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left in the folders below ``folder``; whoever calls holds what is in them.

    What lies in ``folder`` itself stays: somebody may be making a lock file there right now. What can't be removed stays too.
    """
    for inside, below, files in os.walk(folder):
        gone = [one for one in below if one.startswith(".") and one.endswith(_GONE)]
        below[:] = [one for one in below if not one.startswith(".")]
        if Path(inside) == folder:
            continue
        for name in gone:
            shutil.rmtree(Path(inside, name), ignore_errors=True)
        for name in files:
            if name.startswith(".") and name.endswith((_TEMPORARY, _GONE)):
                with suppress(OSError):
                    Path(inside, name).unlink()


def forgotten(root: Path, before: float) -> Iterator[Path]:
    """Yield what killed processes left half-written or half-deleted in the folders below ``root``.

    What is half-deleted is nobody's at once; what is half-written once nobody has written to it since a time (seconds since 1970).
    """
    for inside, below, files in os.walk(root):
        yield from (Path(inside, one) for one in below if one.startswith(".") and one.endswith(_GONE))
        below[:] = [one for one in below if not one.startswith(".")]
        for name in files:
            path = Path(inside, name)
            if name.startswith(".") and (name.endswith(_GONE) or (name.endswith(_TEMPORARY) and _is_older(path, before))):
                yield path


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder, which is made; remove what is left there."""
    make_folder(target.parent)
    temporary = _temporary_name(target)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def bytes_below(path: Path) -> int:
    """Return the bytes of a file, or of all in and below a folder but hidden ones; 0 where there is neither."""
    size = 0
    for folder, below, files in os.walk(path):
        below[:] = [one for one in below if not one.startswith(".")]
        size += sum(_bytes_of(Path(folder, one)) for one in files if not one.startswith("."))
    return size if path.is_dir() else _bytes_of(path)


def _bytes_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # it went meanwhile


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Objects as files below ``root``. Temporary names start with a dot, and nothing that does is an object."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> LocalStore:
        """Return the store in a folder, which is made with the first write; `Refused` where the path is a file."""
        whole = root.expanduser().absolute()
        nearest = next(one for one in (whole, *whole.parents) if one.exists())
        if not nearest.is_dir():
            raise Refused(f"{nearest} is a file, so there can't be a store in {whole}", help="give a folder with --store")
        return cls(whole)

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self.root)

    def _path(self, name: str) -> Path:
        return self.root / paths.checked(name)

    def local_path(self, name: str) -> Path | None:
        """Return where the object is, or would be."""
        return self._path(name)

    def get(self, name: str) -> bytes:
        """Return an object's bytes; `Missing` where there is none."""
        with saying(f"reading {name} in {self.root}"):
            return self._path(name).read_bytes()

    def put(self, name: str, content: bytes) -> None:
        """Write an object, replacing what was there."""
        target = self._path(name)
        with saying(f"writing {name} in {self.root}"), _beside(target) as temporary:
            _write(temporary, content)
            temporary.replace(target)
            sync_folder(target.parent)

    def create(self, name: str, content: bytes) -> bool:
        """Write an object only if there is none of that name; it is never seen half-written."""
        target = self._path(name)
        with saying(f"writing {name} in {self.root}"), _beside(target) as temporary:
            won = not target.exists() and _linked(temporary, target, content)
            sync_folder(target.parent)  # the loser too goes on from what is there, so it must be durable
            return won

    def exists(self, name: str) -> bool:
        """Return whether there is an object of that name."""
        return self._path(name).is_file()

    def names(self, prefix: str) -> list[str]:
        """Return the names of all objects in and below a folder, sorted."""
        found: list[str] = []
        for folder, below, files in os.walk(self._path(prefix.rstrip("/"))):
            below[:] = [one for one in below if not one.startswith(".")]
            here = Path(folder).relative_to(self.root).as_posix()
            found.extend(f"{here}/{one}".removeprefix("./") for one in files if not one.startswith("."))
        return sorted(found)

    def size(self, name: str) -> int:
        """Return the bytes of an object, or of all in and below a folder; 0 where there is neither."""
        return bytes_below(self._path(name.rstrip("/")))

    def folders(self, prefix: str) -> list[str]:
        """Return the last parts of the folders directly in a folder, sorted."""
        try:
            with os.scandir(self._path(prefix.rstrip("/"))) as entries:
                return sorted(one.name for one in entries if one.is_dir() and not one.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise explained(error, f"listing {prefix} in {self.root}") from error

    def delete(self, name: str) -> None:
        """Remove an object or a whole folder; a folder disappears at once, then its content goes."""
        path = self._path(name)
        hidden = path.with_name(f".{secrets.token_hex(8)}{_GONE}")
        try:
            path.rename(hidden)
            sync_folder(path.parent)
            if hidden.is_dir():
                shutil.rmtree(hidden)
            else:
                hidden.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise explained(error, f"removing {name} in {self.root}") from error

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """Yield a file; it appears whole and durable when the block ends well, and not at all otherwise."""
        target = self._path(name)
        saying_so = f"writing {name} in {self.root}"
        with saying(saying_so):
            make_folder(target.parent)
            temporary = _temporary_name(target)
            file = temporary.open("xb")
        try:
            with saying_disk_errors(saying_so), file:
                yield file
            with saying(saying_so):
                sync_file(temporary)  # by its path: whoever was handed the file may have closed it
                temporary.replace(target)
                sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        """Yield a seekable file; `Missing` where there is no such object."""
        with saying(f"reading {name} in {self.root}"):
            file = self._path(name).open("rb")
        with file:
            yield file
