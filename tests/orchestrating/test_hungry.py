"""`.on(memory=…)` and tools with resources: child processes with that memory enforced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..births import Midwife
from .conftest import Journey


@pytest.fixture
def fed(births: Midwife, tmp_path: Path) -> Any:
    """Return what runs hungry.yaml."""

    def feed(how: str, megabytes: int) -> tuple[Any, Journey]:
        journey = Journey(births, tmp_path, "hungry.yaml", {"how": how, "megabytes": megabytes})
        return journey.go(), journey

    return feed


def test_out_of_memory_is_caught_and_the_call_made_again_with_more(fed: Any) -> None:
    """As in the design's example: except OutOfMemory, and on(memory=…)."""
    told, journey = fed("python", 300)
    assert (told["status"], told["outputs"]) == ("done", "ate 300 with more"), told
    assert journey.effects == ["eat 300", "eat 300"]


def test_a_tool_climbs_the_ladder_of_its_resources(fed: Any) -> None:
    """Each rung is an attempt."""
    told, journey = fed("ladder", 300)
    assert (told["status"], told["outputs"]) == ("done", "climbed 300"), told
    assert journey.effects == ["eat 300", "eat 300"]


@pytest.mark.parametrize(("how", "said"), [("wrong", "a lot"), ("unknown", "can't promise wings")])
def test_what_cannot_be_promised_is_refused(fed: Any, how: str, said: str) -> None:
    """Where it is asked for."""
    told, _ = fed(how, 1)
    assert told["status"] == "failed"
    assert said in told["error"]
