"""A real S3 server, for the tests that ask for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..servers import S3Server, seaweed


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with seaweed(tmp_path_factory.mktemp("weed")) as server:
        yield server
