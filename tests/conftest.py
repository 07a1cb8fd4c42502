"""Options of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person write the golden files again; CI never does."""
    parser.addoption("--update-golden", action="store_true", help="write plan.yaml and errors.txt of the goldens again; review the diff")
