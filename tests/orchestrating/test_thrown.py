"""An exception of a tool arrives in the caller's ``except``: live, over a process boundary, after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..births import Midwife
from .conftest import Journey

SAME = ["chain", "keywords", "builtin", "missing", "tagged", "several", "checked"]
LOST = ["local", "large", "leave"]
PARTLY = ["holding", "opaque"]


def observed(births: Midwife, folder: Path, *, dies: bool) -> tuple[dict[str, Any], Journey]:
    """Return what was seen of each case; ``dies``: by a life that has it all from the journal of one that was killed."""
    cases = [*SAME, *LOST, *PARTLY]
    journey = Journey(births, folder, "thrown.yaml", cases)
    if dies:
        assert journey.go(dies_with="call_finished", of="after", before=True) is None
    told = journey.go()
    assert told["status"] == "done", told
    return dict(zip(cases, told["outputs"], strict=True)), journey


@pytest.fixture(scope="module")
def live(births: Midwife, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a life sees that makes the calls."""
    return observed(births, tmp_path_factory.mktemp("live"), dies=False)[0]


@pytest.mark.parametrize("case", SAME)
def test_it_has_its_own_type_arguments_attributes_and_causes(live: dict[str, Any], case: str) -> None:
    """As if the function had been called without darner; from a child process, too."""
    here, near, far = live[case]
    assert near == here
    assert far == here


@pytest.mark.parametrize("case", LOST)
def test_what_cannot_be_made_again_arrives_as_a_callable_error_that_says_so(live: dict[str, Any], case: str) -> None:
    """A class that nobody can import, what ends processes, what is too large."""
    _, near, far = live[case]
    assert near["type"] == far["type"] == "darner.runtime.failures.CallableError"
    says = {"local": "Hidden: hidden", "leave": "left with SystemExit: 3", "large": "ValueError: xxx"}[case]
    assert says in near["text"] or says.replace("Hidden: hidden", "Hidden: ('hidden', 1)") in near["text"]
    reason = {"local": "can't be imported: define it at the top of a module", "large": "which is the most that is kept", "leave": "returns"}
    assert reason[case] in near["state"]


def test_what_is_no_json_is_missing_and_a_note_says_so(live: dict[str, Any]) -> None:
    """The type arrives, so that the right ``except`` catches it."""
    for _, near, far in (live["holding"], live["opaque"]):
        assert near == far
    assert live["holding"][1]["type"].endswith("tours.thrown.Held")
    assert live["holding"][1]["notes"] == ["not JSON, so kept as text or not at all: holding"]
    assert live["opaque"][1]["args"] == """('before', 'Price(amount=3)')"""
    assert live["opaque"][1]["notes"] == ["not JSON, so kept as text or not at all: argument 2"]


def test_after_a_crash_the_code_sees_what_it_saw_before(births: Midwife, tmp_path: Path, live: dict[str, Any]) -> None:
    """Every exception is made again from the journal, and nothing is called a second time."""
    again, journey = observed(births, tmp_path, dies=True)
    assert {case: seen[1:] for case, seen in again.items()} == {case: seen[1:] for case, seen in live.items()}
    assert journey.effects == [f"blow {case}" for case in again for _ in range(2)]
