"""A store in an S3 bucket: exclusive creates are conditional puts, and are probed before they are trusted."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..failures import DarnerError, Missing, Refused, StoreError
from . import paths
from .local_store import saying_disk_errors

_MARK = "darner-writer"
_TRIES = 5
_LOST = frozenset({"PreconditionFailed", "412"})
_AGAIN = frozenset({"ConditionalRequestConflict", "409"})
_CLIENT_OPTIONS = {"region": "region_name", "region_name": "region_name"}
_OPTIONS = frozenset({"endpoint_url", "key", "secret", "token", "anon", *_CLIENT_OPTIONS})
_PATIENCE = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 2}}
_REACH = "check the address, the network and the endpoint (AWS_ENDPOINT_URL, or endpoint_url in darner.toml)"
_RIGHTS = "check the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or key and secret in darner.toml) and what they allow"


def open_bucket(url: str, options: Mapping[str, Any]) -> BucketStore:
    """Return the store at ``s3://bucket/prefix``, after a probe of its exclusive creates."""
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise Refused(f"{unknown[0]!r} is no option of an S3 store", help=f"known here: {', '.join(sorted(_OPTIONS))}")
    root = url.removeprefix("s3://").strip("/")
    if not root:
        raise Refused(f"{url} names no bucket", help="write s3://bucket/prefix")
    store = BucketStore(root, _file_system(options))
    probe(store)
    return store


def _file_system(options: Mapping[str, Any]) -> Any:
    try:
        import s3fs  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as error:
        raise Refused("stores on S3 need s3fs", help="pip install 'darner[s3]'") from error
    client = {_CLIENT_OPTIONS[name]: value for name, value in options.items() if name in _CLIENT_OPTIONS}
    given = {name: value for name, value in options.items() if name not in _CLIENT_OPTIONS}
    # Listings must show what other processes wrote, and each store has its own connection, so nothing is cached.
    return s3fs.S3FileSystem(**given, client_kwargs=client, config_kwargs=_PATIENCE, use_listings_cache=False, skip_instance_cache=True)


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
            help="use a server that honours If-None-Match (AWS, SeaweedFS, MinIO, Ceph), or a local folder",
        )


def _code(error: BaseException) -> str:
    response = getattr(error.__cause__, "response", None) or getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """Turn whatever s3fs and what is below it raise into `Missing` and `StoreError`."""
    try:
        yield
    except DarnerError:
        raise
    except FileNotFoundError as error:
        if _code(error) == "NoSuchBucket":
            raise StoreError(f"{what}: there is no such bucket", help="create the bucket first") from error
        raise Missing(f"{what}: there is no such object") from error
    except PermissionError as error:
        raise StoreError(f"{what}: access is denied ({error})", help=_RIGHTS) from error
    except Exception as error:
        # botocore, aiohttp and s3fs share no root: whatever it is, the store can't be used.
        reason = f"{_code(error) or type(error).__name__}: {error}"
        help_text = _RIGHTS if "redential" in type(error).__name__ else _REACH
        raise StoreError(f"{what}: {reason}", help=help_text) from error


@dataclass(frozen=True, slots=True)
class BucketStore:
    """Objects below ``root``, which is ``bucket/prefix``."""

    root: str
    _fs: Any = field(repr=False)

    @property
    def url(self) -> str:
        """The store's address."""
        return f"s3://{self.root}"

    def _key(self, name: str) -> str:
        return f"{self.root}/{paths.checked(name)}".rstrip("/")

    def local_path(self, name: str) -> Path | None:  # noqa: ARG002 - the answer is the same for every name
        """Return None: nothing here can be mapped into memory."""
        return None

    def get(self, name: str) -> bytes:
        """Return an object's bytes; `Missing` where there is none."""
        with _saying(f"reading {name} in {self.url}"):
            found: bytes = self._fs.cat_file(self._key(name))
            return found

    def put(self, name: str, content: bytes) -> None:
        """Write an object, replacing what was there."""
        with _saying(f"writing {name} in {self.url}"):
            self._fs.pipe_file(self._key(name), content)

    def create(self, name: str, content: bytes) -> bool:
        """Write an object only if there is none of that name.

        A lost answer makes the client ask again and lose against itself, so each write carries a mark, and whoever
        seems to have lost looks whose the object is.
        """
        mark = secrets.token_hex(16)
        with _saying(f"creating {name} in {self.url}"):
            for _ in range(_TRIES):
                answer = self._try_create(self._key(name), content, mark)
                if answer is not None:
                    return answer
        raise StoreError(f"creating {name} in {self.url}: the server keeps answering with a conflict", help="try again")

    def _try_create(self, key: str, content: bytes, mark: str) -> bool | None:
        try:
            self._fs.pipe_file(key, content, mode="create", Metadata={_MARK: mark})
        except FileExistsError:
            return self._is_ours(key, mark)
        except OSError as error:
            if _code(error) in _LOST:
                return self._is_ours(key, mark)
            if _code(error) in _AGAIN:
                return None
            raise
        return True

    def _is_ours(self, key: str, mark: str) -> bool | None:
        try:
            return bool(self._fs.metadata(key).get(_MARK) == mark)
        except FileNotFoundError:
            return None  # it was deleted meanwhile: try again

    def exists(self, name: str) -> bool:
        """Return whether there is an object of that name."""
        try:
            with _saying(f"looking for {name} in {self.url}"):
                return bool(self._fs.info(self._key(name))["type"] == "file")
        except Missing:
            return False

    def names(self, prefix: str) -> list[str]:
        """Return the names of all objects in and below a folder, sorted."""
        below = self._key(prefix.rstrip("/")) + "/"
        with _saying(f"listing {prefix} in {self.url}"):
            # Some servers list an empty folder as an object of its own name: nothing below it is what it is.
            found = [key.removeprefix(f"{self.root}/") for key in self._fs.find(below) if key.startswith(below)]
        return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))

    def folders(self, prefix: str) -> list[str]:
        """Return the last parts of the folders directly in a folder, sorted."""
        try:
            with _saying(f"listing {prefix} in {self.url}"):
                entries = self._fs.ls(self._key(prefix.rstrip("/")) + "/", detail=True, refresh=True)
        except Missing:
            return []
        names = (one["name"].rstrip("/").rpartition("/")[2] for one in entries if one["type"] == "directory")
        return sorted(name for name in names if not name.startswith("."))

    def delete(self, name: str) -> None:
        """Remove an object or a whole folder; nothing happens where there is none."""
        try:
            with _saying(f"removing {name} in {self.url}"):
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
            with _saying(f"writing {name} in {self.url}"):
                self._fs.put_file(str(spool), self._key(name))

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        """Yield a seekable file; `Missing` where there is no such object."""
        with _saying(f"reading {name} in {self.url}"):
            file = self._fs.open(self._key(name), "rb")
        with file:
            yield file
