"""Buckets of Google Cloud Storage."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...failures import Refused
from .cloud import FRESH, MARK, Verdict, mark_in_metadata

OPTIONS = frozenset({"endpoint_url", "token", "project"})
_UNUSED = "darner"
"""A project is asked for by gcsfs, and matters only to who makes buckets."""


def connect(options: Mapping[str, Any]) -> Gcs:
    """Return a connection; what ``options`` don't say comes from Google's environment."""
    try:
        from gcsfs.core import GCSFileSystem  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as error:
        raise Refused("stores on Google Cloud Storage need gcsfs", help="pip install 'darner[gcs]'") from error
    # It would print a traceback for each error that it also raises.
    logging.getLogger("gcsfs").addHandler(logging.NullHandler())
    given = {"project": _UNUSED, **options}
    return Gcs(GCSFileSystem(**given, **FRESH))


@dataclass(frozen=True, slots=True)
class Gcs:
    """A connection to Google Cloud Storage. See `cloud.Cloud`."""

    fs: Any = field(repr=False)
    scheme: str = "gs"
    reach: str = "check the address, the network and the endpoint (STORAGE_EMULATOR_HOST, or endpoint_url in darner.toml)"
    rights: str = "check who you are (GOOGLE_APPLICATION_CREDENTIALS, or token in darner.toml) and what it allows"

    def create(self, key: str, content: bytes, mark: str) -> None:
        """Upload with ``ifGenerationMatch=0``."""
        self.fs.pipe_file(key, content, mode="create", metadata={MARK: mark})

    def mark_of(self, key: str) -> str | None:
        """Return the object's metadata of ours."""
        return mark_in_metadata(self.fs, key)

    def verdict(self, error: BaseException) -> Verdict:
        """Judge by what gcsfs makes of a status: 412 exists, 404 missing, 403 an OSError that says so."""
        if isinstance(error, FileExistsError):
            return "exists"
        if isinstance(error, FileNotFoundError):
            return "missing"
        denied = str(error).startswith("Forbidden") or "redential" in f"{type(error).__name__}{error}" or getattr(error, "code", 0) == 401  # noqa: PLR2004 - HTTP's number
        return "denied" if denied else "unknown"
