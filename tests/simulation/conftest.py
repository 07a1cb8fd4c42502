"""What the simulations keep apart from the machine's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from darner.runtime.perform.limits.folder import SETTING


@pytest.fixture(autouse=True, scope="module")
def limits_of_their_own() -> Iterator[None]:
    """Let what providers allow be known in this process alone: the times of a simulation are no times of the machine."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(SETTING, "/dev/null/nowhere")
        yield
