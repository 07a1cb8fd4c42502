"""What a kind of bucket does in its own way: conditional puts, marks on objects, words for errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

MARK = "darner_writer"
"""The name of the metadata by which a writer knows its own object."""

FRESH: Mapping[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
"""For every connection: listings must show what other processes wrote, and each store has its own, so nothing is cached."""

Verdict: TypeAlias = Literal["exists", "again", "denied", "no bucket", "missing", "unknown"]


class Cloud(Protocol):
    """One connection to one kind of bucket. ``fs`` is fsspec's, for whatever is the same everywhere."""

    @property
    def fs(self) -> Any:
        """The fsspec file system."""
        ...

    @property
    def scheme(self) -> str:
        """What addresses begin with, such as ``s3``."""
        ...

    @property
    def reach(self) -> str:
        """What to do where the server can't be reached."""
        ...

    @property
    def rights(self) -> str:
        """What to do where the server lets nobody in."""
        ...

    def create(self, key: str, content: bytes, mark: str) -> None:
        """Write an object with a mark only if there is none; whatever is raised otherwise is judged by `verdict`."""
        ...

    def mark_of(self, key: str) -> str | None:
        """Return the mark of an object; FileNotFoundError where there is no object."""
        ...

    def verdict(self, error: BaseException) -> Verdict:
        """Say what an error means."""
        ...


def mark_in_metadata(fs: Any, key: str) -> str | None:
    """Return the mark of an object of a cloud that tells an object's metadata with the rest of what it is."""
    found: str | None = (fs.info(key).get("metadata") or {}).get(MARK)
    return found


def text(error: BaseException) -> str:
    """Return an error's first line, for people."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
