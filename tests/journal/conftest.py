"""What the tests of stores and journals share: one real S3 server for the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..servers import S3Server, seaweed


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Yield a running SeaweedFS with an empty bucket."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server
