"""Containers of Azure Blob Storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...failures import Refused
from .cloud import FRESH, MARK, Verdict, mark_in_metadata

OPTIONS = frozenset(
    {"connection_string", "account_name", "account_key", "account_host", "sas_token", "client_id", "client_secret", "tenant_id", "anon"}
)

_RIGHTS = (
    "check the account (AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY; "
    "or the same in darner.toml) and what it allows"
)


def connect(options: Mapping[str, Any]) -> Azure:
    """Return a connection; what ``options`` don't say comes from the Azure environment."""
    try:
        from adlfs import AzureBlobFileSystem  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as error:
        raise Refused("stores on Azure need adlfs", help="pip install 'darner[azure]'") from error
    try:
        return Azure(AzureBlobFileSystem(**options, **FRESH))
    except ValueError as error:
        raise Refused(f"Azure can't be reached with these options: {error}", help=_RIGHTS) from error


@dataclass(frozen=True, slots=True)
class Azure:
    """A connection to Azure Blob Storage. See `cloud.Cloud`."""

    fs: Any = field(repr=False)
    scheme: str = "az"
    reach: str = "check the address, the network and the account (AZURE_STORAGE_CONNECTION_STRING, or connection_string in darner.toml)"
    rights: str = _RIGHTS

    def create(self, key: str, content: bytes, mark: str) -> None:
        """Upload with ``If-None-Match: *``."""
        from fsspec.asyn import sync  # noqa: PLC0415 - brings fsspec

        sync(self.fs.loop, self._upload, key, content, mark)

    async def _upload(self, key: str, content: bytes, mark: str) -> None:
        # adlfs has metadata of its own to write, and so takes none.
        container, path, _ = self.fs.split_path(key)
        async with self.fs.service_client.get_blob_client(container=container, blob=path) as client:
            await client.upload_blob(content, overwrite=False, metadata={"is_directory": "false", MARK: mark})

    def mark_of(self, key: str) -> str | None:
        """Return the blob's metadata of ours."""
        return mark_in_metadata(self.fs, key)

    def verdict(self, error: BaseException) -> Verdict:
        """Judge by Azure's error code."""
        code = str(getattr(error, "error_code", "") or getattr(error.__cause__, "error_code", "")).rpartition(".")[2]
        if code in {"BlobAlreadyExists", "BLOB_ALREADY_EXISTS"} or isinstance(error, FileExistsError):
            return "exists"
        if code in {"ContainerNotFound", "CONTAINER_NOT_FOUND"}:
            return "no bucket"
        if isinstance(error, FileNotFoundError) or type(error).__name__ == "ResourceNotFoundError":
            return "missing"
        denied = isinstance(error, PermissionError) or type(error).__name__ == "ClientAuthenticationError" or "uth" in code
        return "denied" if denied else "unknown"
