"""Options of the whole suite."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from .servers import S3Server, seaweed

LIMITS = "DARNER_LIMITS"
_NUMBERS = count()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person write the golden files again; CI never does."""
    parser.addoption("--update-golden", action="store_true", help="write plan.yaml and errors.txt of the goldens again; review the diff")


def pytest_configure() -> None:
    """Listen to SIGINT again: what a script starts in its background is deaf to it, and so are all of its children.

    No process of a test keeps bytecode: see `pytest_collection_finish`. What tests learn of limits is none of the user's.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[LIMITS] = folder = tempfile.mkdtemp(prefix="darner-limits-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def pytest_collection_finish() -> None:
    """Keep no bytecode of what tests write: of two texts of one length within one second, the first one's would serve for both."""
    sys.dont_write_bytecode = True


@pytest.fixture(autouse=True)
def limits_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait for what another one was told: the port of its server may have been that of a throttled one before."""
    monkeypatch.setenv(LIMITS, f"{os.environ[LIMITS]}/{os.getpid()}-{next(_NUMBERS)}")


@pytest.fixture(scope="session")
def seaweeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Yield the one S3 server of this process's tests."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="module")
def s3(seaweeds: S3Server, request: pytest.FixtureRequest) -> S3Server:
    """Return a running SeaweedFS, with a folder in its bucket that is this module's own."""
    return replace(seaweeds, folder=f"{request.module.__name__}/")
