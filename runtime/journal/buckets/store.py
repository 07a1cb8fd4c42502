"""A store in a bucket: exclusive creates are conditional puts, and are probed before they are trusted."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ...failures import DarnerError, Missing, Refused, StoreError
from .. import paths
from ..local_store import saying_disk_errors
from . import azure, gcs, s3
from .cloud import Cloud, Verdict, text

_TRIES = 5
_KINDS: dict[str, tuple[Callable[[Mapping[str, Any]], Cloud], frozenset[str]]] = {
    "s3": (s3.connect, s3.OPTIONS),
    "gs": (gcs.connect, gcs.OPTIONS),
    "gcs": (gcs.connect, gcs.OPTIONS),
    "az": (azure.connect, azure.OPTIONS),
    "abfs": (azure.connect, azure.OPTIONS),
}
SCHEMES = tuple(_KINDS)
"""What the addresses of buckets begin with."""
SINGLE_WRITER = "single_writer"
"""The option by which a person accepts a server whose exclusive creates can't be trusted."""


def open_bucket(url: str, options: Mapping[str, Any]) -> BucketStore:
    """Return the store at an address such as ``s3://bucket/prefix``, after a probe of its exclusive creates."""
    scheme, _, rest = url.partition("://")
    connect, known = _KINDS[scheme.lower()]
    given = dict(options)
    is_single = given.pop(SINGLE_WRITER, False) is True
    unknown = sorted(set(given) - known)
    if unknown:
        raise Refused(f"{unknown[0]!r} is no option of a store at {scheme}://", help=f"known here: {', '.join(sorted(known))}")
    root = rest.strip("/")
    if not root:
        raise Refused(f"{url} names no bucket", help=f"write {scheme}://bucket/prefix")
    store = BucketStore(root, connect(given), is_single)
    if not is_single:
        probe(store)
    return store


def probe(store: BucketStore) -> None:
    """Create one key twice; `StoreError` where the second create isn't refused, or the bucket can't be used at all."""
    name = f"probes/{secrets.token_hex(8)}"
    first = store.create(name, b"first")
    second = store.create(name, b"second")
    kept = store.get(name)
    store.delete(name)
    if not first or second or kept != b"first":
        raise StoreError(
            f"{store.url} can't hold a store: its server ignores conditional writes, so two processes could both own a run",
            help="use a server that honours If-None-Match (AWS, SeaweedFS, MinIO, Ceph), or a local folder; "
            "or take care yourself that only one process at a time uses it, and say --single-writer",
        )


@contextmanager
def _into_a_bucket(url: str) -> Iterator[None]:
    """Say of a write that finds nothing what is missing: only the bucket can be."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreError(f"there is no bucket for {url}", help="create the bucket first") from error


@dataclass(frozen=True, slots=True)
class BucketStore:
    """Objects below ``root``, which is ``bucket/prefix``.

    With ``is_single`` somebody takes care that only one process writes, and the server need not honour conditions.
    """

    root: str
    cloud: Cloud
    is_single: bool = False

    @property
    def _fs(self) -> Any:
        return self.cloud.fs

    @property
    def url(self) -> str:
        """The store's address."""
        return f"{self.cloud.scheme}://{self.root}"

    def _key(self, name: str) -> str:
        return f"{self.root}/{paths.checked(name)}".rstrip("/")

    def local_path(self, name: str) -> Path | None:  # noqa: ARG002 - the answer is the same for every name
        """Return None: nothing here can be mapped into memory."""
        return None

    @contextmanager
    def _saying(self, what: str) -> Iterator[None]:
        """Turn whatever a client and what is below it raise into `Missing` and `StoreError`; they share no root."""
        try:
            yield
        except DarnerError:
            raise
        except Exception as error:
            raise self._said(f"{what} in {self.url}", error, self.cloud.verdict(error)) from error

    def _said(self, what: str, error: Exception, verdict: Verdict) -> StoreError:
        if verdict == "no bucket":
            return StoreError(f"{what}: there is no such bucket", help="create the bucket first")
        if verdict == "missing":
            return Missing(f"{what}: there is no such object")
        if verdict == "denied":
            return StoreError(f"{what}: access is denied ({text(error)})", help=self.cloud.rights)
        return StoreError(f"{what}: {type(error).__name__}: {text(error)}", help=self.cloud.reach)

    def get(self, name: str) -> bytes:
        """Return an object's bytes; `Missing` where there is none."""
        with self._saying(f"reading {name}"):
            found: bytes = self._fs.cat_file(self._key(name))
            return found

    def put(self, name: str, content: bytes) -> None:
        """Write an object, replacing what was there."""
        with self._saying(f"writing {name}"), _into_a_bucket(self.url):
            self._fs.pipe_file(self._key(name), content)

    def create(self, name: str, content: bytes) -> bool:
        """Write an object only if there is none of that name.

        A lost answer makes the client ask again and lose against itself, so each write carries a mark, and whoever
        seems to have lost looks whose the object is.
        """
        if self.is_single and self.exists(name):
            return False
        mark = secrets.token_hex(16)
        with self._saying(f"creating {name}"), _into_a_bucket(self.url):
            for _ in range(_TRIES):
                answer = self._try_create(self._key(name), content, mark)
                if answer is not None:
                    return answer
        raise StoreError(f"creating {name} in {self.url}: the server keeps answering with a conflict", help="try again")

    def _try_create(self, key: str, content: bytes, mark: str) -> bool | None:
        try:
            self.cloud.create(key, content, mark)
        except Exception as error:
            verdict = self.cloud.verdict(error)
            if verdict == "exists":
                return self._is_ours(key, mark)
            if verdict == "again":
                return None
            raise
        return True

    def _is_ours(self, key: str, mark: str) -> bool | None:
        try:
            return self.cloud.mark_of(key) == mark
        except FileNotFoundError:
            return None  # it was deleted meanwhile: try again

    def exists(self, name: str) -> bool:
        """Return whether there is an object of that name."""
        try:
            with self._saying(f"looking for {name}"):
                return bool(self._fs.info(self._key(name))["type"] == "file")
        except Missing:
            return False

    def names(self, prefix: str) -> list[str]:
        """Return the names of all objects in and below a folder, sorted."""
        below = self._key(prefix.rstrip("/")) + "/"
        with self._saying(f"listing {prefix}"):
            # Some servers list an empty folder as an object of its own name: nothing below it is what it is.
            found = [key.removeprefix(f"{self.root}/") for key in self._fs.find(below) if key.startswith(below)]
        return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))

    def size(self, name: str) -> int:
        """Return the bytes of an object, or of all in and below a folder; 0 where there is neither."""
        key = self._key(name.rstrip("/"))
        with self._saying(f"listing {name}"):
            found: Any = self._fs.find(key, detail=True)
            if isinstance(found, list):  # Azure's client says of a file only that it is one
                found = {key: self._fs.info(key)}
        return sum(int(about["size"] or 0) for one, about in found.items() if one == key or one.startswith(f"{key}/"))

    def folders(self, prefix: str) -> list[str]:
        """Return the last parts of the folders directly in a folder, sorted."""
        try:
            with self._saying(f"listing {prefix}"):
                entries = self._fs.ls(self._key(prefix.rstrip("/")) + "/", detail=True)
        except Missing:
            return []
        names = (one["name"].rstrip("/").rpartition("/")[2] for one in entries if one["type"] == "directory")
        return sorted(name for name in names if not name.startswith("."))

    def delete(self, name: str) -> None:
        """Remove an object or a whole folder; nothing happens where there is none."""
        try:
            with self._saying(f"removing {name}"):
                self._fs.rm(self._key(name), recursive=True)
        except Missing:
            return

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """Yield a file; it is sent when the block ends well, and not at all otherwise."""
        with tempfile.TemporaryDirectory(prefix="darner-") as folder:
            spool = Path(folder, "object")
            with saying_disk_errors(f"writing {name} into a temporary file in {folder}"), spool.open("wb") as file:
                yield file
            with self._saying(f"writing {name}"), _into_a_bucket(self.url):
                self._fs.put_file(str(spool), self._key(name))

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        """Yield a seekable file; `Missing` where there is no such object."""
        with self._saying(f"reading {name}"):
            file = self._fs.open(self._key(name), "rb")
        with file:
            yield file
