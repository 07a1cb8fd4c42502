"""A bucket that is full, or broken, when a commit is to be written: the run stops, and goes on once there is room."""

from __future__ import annotations

from pathlib import Path

import pytest

from .full_server import Room, small_server
from .shop import DONE, Shop

OF_A_START = 12
"""Writes before the first commit: the probe, the fence, the heartbeat, what the run is bound to, a payload."""


@pytest.mark.parametrize(
    ("status", "writes"),
    [
        (507, OF_A_START),
        *(pytest.param(507, n, marks=pytest.mark.soak) for n in range(6, 20) if n != OF_A_START),
        pytest.param(500, OF_A_START + 2, marks=pytest.mark.soak),
    ],
)
def test_a_bucket_that_is_full_at_a_commit_stops_the_run_and_with_room_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, status: int, writes: int
) -> None:
    """Exit 1, the object that can't be written, what the server said, what to do; nothing that was acknowledged is lost."""
    room = Room(status, writes)
    with small_server(room) as endpoint:
        told = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        shop = Shop(tmp_path, capsys, "s3://darner/x")
        shop.open_gate()
        code = shop.run()
        if code == 0:  # only the farewell of the owner, or nothing, was refused
            assert writes > OF_A_START
            assert shop.told["outputs"] == DONE
        else:
            assert code == 1
            assert room.refused
            assert "s3://darner/x" in shop.err
            assert "the volume is full" in shop.err
            assert "help:" in shop.err
        room.writes = None
        code = shop.run()
        noted = shop.calls
        assert noted.count("reserve mug") <= 1
        assert noted.count("look mug") <= 2
        if code == 0:
            assert shop.told["outputs"] == DONE
        else:
            assert "may or may not have happened" in shop.told["error"]
