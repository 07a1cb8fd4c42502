"""Opening a store by its address: a local folder, or an S3 bucket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..failures import Refused
from ..ports import Store
from .local_store import LocalStore


def open_store(url: str | Path, options: Mapping[str, Any] | None = None) -> Store:
    """Return the store at ``url``: a folder (a path or ``file://``), or ``s3://bucket/prefix``.

    ``options`` are a target's options for its store in ``darner.toml``: for S3 ``endpoint_url``, ``key``, ``secret``,
    ``region``; what is not given comes from the AWS environment. `Refused` where the address can't be a store,
    `StoreError` where it can't be reached or can't be trusted with exclusive creates.
    """
    text = str(url)
    scheme = urlsplit(text).scheme.lower() if "://" in text else ""
    if scheme == "s3":
        # s3fs and what it brings take half a second to import, and a folder needs none of it.
        from .bucket_store import open_bucket  # noqa: PLC0415

        return open_bucket(text, options or {})
    if scheme not in {"", "file"}:
        raise Refused(f"{text} can't be a store: {scheme}:// is not known here", help="give a folder, or s3://bucket/prefix")
    return LocalStore.open(Path(unquote(urlsplit(text).path)) if scheme else Path(text))
