"""Paths of steps inside loops."""

from __future__ import annotations

import pytest

from darner.runtime.rounds import enclosing


@pytest.mark.parametrize(
    ("path", "loops"),
    [("a", []), ("a/2", ["a"]), ("a/2/b", ["a"]), ("a/2/b[3]", ["a"]), ("a/2/b/3", ["a", "a/2/b"]), ("a/2/b/3/c", ["a", "a/2/b"])],
)
def test_a_path_tells_the_loops_around_it(path: str, loops: list[str]) -> None:
    """Outermost first, then the path itself; a round's own path is inside its loop, too."""
    assert list(enclosing(path)) == [*loops, path]
