"""Results that runs share: one object a result, a line that says what it is above a line that holds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Literal

from pydantic import ValidationError

from ...compiler.frozen import Frozen
from ..failures import Missing
from ..ports import Json, Store
from . import paths
from .record import as_text

CLAIM = ".claim."


class SharedResult(Frozen):
    """What is known of one shared result. Times are seconds since 1970."""

    format: Literal[1] = 1
    key: str
    kind: str
    name: str
    fingerprint: str
    """Of all that the callee's results depend on."""
    version: str | int | None = None
    reads: str
    """The digest of what the callee read of its arguments."""
    run: str
    call: str
    """The call that made it."""
    user: str | None = None
    made: float
    ttl: float | None = None
    """For how long its maker lets it count, in seconds."""
    kept: float | None = None
    """For how long its maker's policy lets it be stored, in seconds (``policy.retention``)."""
    digest: str = ""
    """The SHA-256 of the line that holds the value."""

    def is_expired(self, now: float) -> bool:
        """Return whether its maker lets it count no more."""
        return self.ttl is not None and now >= self.made + self.ttl

    def may_go(self, now: float) -> bool:
        """Return whether nobody needs it any more, or it was stored as long as it may be."""
        return self.is_expired(now) or (self.kept is not None and now >= self.made + self.kept)


def write(store: Store, folder: str, told: SharedResult, value: Json) -> None:
    """Keep a result for other runs, in place of an older one of that key."""
    content = as_text(value).encode("utf-8", "surrogatepass")
    head = told.model_copy(update={"digest": hashlib.sha256(content).hexdigest()})
    store.put(paths.cache_entry(folder, told.key), head.model_dump_json(exclude_defaults=True).encode() + b"\n" + content)


def read(store: Store, folder: str, key: str) -> tuple[SharedResult, Json] | str | None:
    """Return a result with what is known of it; None where there is none; what is wrong with it, where it is damaged.

    A damaged result is no error: the call is made again, and its result takes the place of this one.
    """
    try:
        content = store.get(paths.cache_entry(folder, key))
    except Missing:
        return None
    told = _head(content)
    if told is None:
        return "what is stored under its key is damaged"
    value = content.partition(b"\n")[2]
    if hashlib.sha256(value).hexdigest() != told.digest or told.key != key:
        return "what is stored under its key is damaged"
    return told, json.loads(value)


def _head(content: bytes) -> SharedResult | None:
    try:
        return SharedResult.model_validate_json(content.partition(b"\n")[0])
    except ValidationError:
        return None


def names(store: Store) -> Iterator[str]:
    """Yield the object names of all shared results, claims left out."""
    yield from (name for name in store.names(paths.CACHE) if CLAIM not in name)


def claims(store: Store) -> Iterator[str]:
    """Yield the object names of all claims."""
    yield from (name for name in store.names(paths.CACHE) if CLAIM in name)


def about(store: Store, name: str) -> SharedResult | None:
    """Return what is known of the result in an object; None where it is damaged, or just went."""
    try:
        return _head(store.get(name))
    except Missing:
        return None
