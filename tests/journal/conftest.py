"""What the tests of stores and journals share: places for a journal, and one real S3 server for the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..servers import BucketServer, S3Server, azurite, google
from .places import Place


@pytest.fixture(scope="session")
def gs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    """Yield a running server of Google's protocol."""
    with google(tmp_path_factory.mktemp("google")) as server:
        yield server


@pytest.fixture(scope="session")
def az(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    """Yield a running Azurite."""
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(params=["folder", "bucket", "s3", "gs", "az"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return where a journal is, once for each form and each kind of bucket."""
    if request.param in {"folder", "bucket"}:
        return Place(request.param, str(tmp_path / "store"))
    server: S3Server | BucketServer = request.getfixturevalue(request.param)
    return Place.of(request.param, server.url(tmp_path.name), server.options)
