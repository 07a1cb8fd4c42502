"""A run killed with SIGKILL at every commit in turn, and resumed, ends as if nothing had happened."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from ..births import told_by

HERE = Path(__file__).parent


def killed_everywhere(spec: str, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what the undisturbed run came to, and each of those that were killed, after or before a commit, and resumed."""
    undisturbed, *others = told_by("tests.flow.dying", str(HERE / "orders" / spec), str(folder))
    killed = [one for one in others if one["killed"]]
    assert len(killed) == len(others) - 2
    return undisturbed, killed


def test_killed_at_each_commit_the_outputs_are_equal_and_at_most_the_call_in_flight_is_repeated(tmp_path: Path) -> None:
    """Reads, writes with keys, a map, a branch: outputs as undisturbed; each effect once, but for the one under way."""
    undisturbed, others = killed_everywhere("orders.yaml", tmp_path)
    assert undisturbed["status"] == "done"
    assert undisturbed["outputs"] == {
        "hold": "reserved AB", "small": "small: AB, CDE, F", "large": None,
        "stock": [{"sku": "AB", "count": 6}, {"sku": "CDE", "count": 9}, {"sku": "F", "count": 3}],
    }  # fmt: skip
    assert len(others) >= 16
    for one in others:
        assert (one["status"], one["outputs"]) == ("done", undisturbed["outputs"])
        lookups = Counter(line for line in one["effects"] if line.startswith("look_up"))
        reserved = [line for line in one["effects"] if line.startswith("reserve")]
        assert set(lookups) == {"look_up AB", "look_up CDE", "look_up F"}
        assert len(set(reserved)) == 1
        assert len(one["effects"]) <= len(undisturbed["effects"]) + 1


def test_a_write_without_a_key_happens_at_most_once_and_uncertainty_is_said(tmp_path: Path) -> None:
    """Killed at each commit: either it is done exactly once, or the run fails and says that it may have happened."""
    undisturbed, others = killed_everywhere("handover.yaml", tmp_path)
    assert (undisturbed["status"], undisturbed["effects"]) == ("done", ["ship AB"])
    uncertain = 0
    for one in others:
        assert len(one["effects"]) <= 1
        if one["status"] == "done":
            assert (one["outputs"], one["effects"]) == (undisturbed["outputs"], ["ship AB"])
        else:
            uncertain += 1
            assert "may or may not have happened" in one["error"]
    assert uncertain == 2
