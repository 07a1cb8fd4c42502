"""Options of the whole suite."""

from __future__ import annotations

import signal

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person write the golden files again; CI never does."""
    parser.addoption("--update-golden", action="store_true", help="write plan.yaml and errors.txt of the goldens again; review the diff")


def pytest_configure() -> None:
    """Listen to SIGINT again: what a script starts in its background is deaf to it, and so are all of its children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
