"""Buckets of Amazon S3, and of servers that speak its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...failures import Refused
from .cloud import FRESH, Verdict

_MARK = "darner-writer"
_LOST = frozenset({"PreconditionFailed", "412"})
_AGAIN = frozenset({"ConditionalRequestConflict", "409"})
_CLIENT_OPTIONS = {"region": "region_name", "region_name": "region_name"}
OPTIONS = frozenset({"endpoint_url", "key", "secret", "token", "anon", *_CLIENT_OPTIONS})
_PATIENCE = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 2}}


def connect(options: Mapping[str, Any]) -> S3:
    """Return a connection; what ``options`` don't say comes from the AWS environment."""
    try:
        import s3fs  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as error:
        raise Refused("stores on S3 need s3fs", help="pip install 'darner[s3]'") from error
    client = {_CLIENT_OPTIONS[name]: value for name, value in options.items() if name in _CLIENT_OPTIONS}
    given = {name: value for name, value in options.items() if name not in _CLIENT_OPTIONS}
    return S3(s3fs.S3FileSystem(**given, **FRESH, client_kwargs=client, config_kwargs=_PATIENCE))


@dataclass(frozen=True, slots=True)
class S3:
    """A connection to S3. See `cloud.Cloud`."""

    fs: Any = field(repr=False)
    scheme: str = "s3"
    reach: str = "check the address, the network and the endpoint (AWS_ENDPOINT_URL, or endpoint_url in darner.toml)"
    rights: str = "check the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or key and secret in darner.toml) and what they allow"

    def create(self, key: str, content: bytes, mark: str) -> None:
        """Put with ``If-None-Match: *``."""
        self.fs.pipe_file(key, content, mode="create", Metadata={_MARK: mark})

    def mark_of(self, key: str) -> str | None:
        """Return the object's metadata of ours."""
        found: str | None = self.fs.metadata(key).get(_MARK)
        return found

    def verdict(self, error: BaseException) -> Verdict:
        """Judge by S3's code: s3fs calls the same refusal FileExistsError or EINVAL, as the server words it."""
        code = _code(error)
        if isinstance(error, FileExistsError) or code in _LOST:
            return "exists"
        if code in _AGAIN:
            return "again"
        if code == "NoSuchBucket":
            return "no bucket"
        if isinstance(error, FileNotFoundError):
            return "missing"
        return "denied" if isinstance(error, PermissionError) or "redential" in type(error).__name__ else "unknown"


def _code(error: BaseException) -> str:
    response = getattr(error.__cause__, "response", None) or getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
