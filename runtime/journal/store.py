"""Opening a store by its address: a local folder, or a bucket of S3, Google Cloud Storage or Azure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..failures import Refused
from ..ports import Store
from .buckets.store import SCHEMES, open_bucket
from .local_store import LocalStore


def open_store(url: str | Path, options: Mapping[str, Any] | None = None) -> Store:
    """Return the store at ``url``: a folder (a path or ``file://``), ``s3://bucket/prefix``, ``gs://…`` or ``az://container/…``.

    ``options`` are a target's options for its store in ``darner.toml``, see `buckets`: for S3 ``endpoint_url``, ``key``,
    ``secret``, ``region``; what is not given comes from the cloud's environment variables. ``single_writer`` accepts a server
    that ignores conditional writes. `Refused` where the address can't be a store, `StoreError` where it can't be reached or
    can't be trusted with exclusive creates.
    """
    text = str(url)
    scheme = urlsplit(text).scheme.lower() if "://" in text else ""
    if scheme in SCHEMES:
        return open_bucket(text, options or {})
    if scheme not in {"", "file"}:
        raise Refused(
            f"{text} can't be a store: {scheme}:// is not known here",
            help=f"give a folder, or a bucket: {', '.join(SCHEMES)}://bucket/prefix",
        )
    return LocalStore.open(Path(unquote(urlsplit(text).path)) if scheme else Path(text))
