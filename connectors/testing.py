"""The conformance suite: what every connector does, as checks that any test runner can call.

A check is a function of a factory; it returns when the connector keeps its promise and raises `AssertionError` with a
sentence when it doesn't. With pytest::

    @pytest.mark.parametrize("check", testing.WRITABLE, ids=testing.name)
    def test_my_sink_keeps_its_promises(check, tmp_path):
        folder = (str(tmp_path / str(n)) for n in itertools.count())
        check(lambda: MySink(next(folder)))

`READABLE` takes a factory of sources, ``rows -> Readable``, that hold these rows (texts and None). `WRITABLE`,
`GETTABLE` and `SEARCHABLE` take a factory of new, empty sinks that can be scanned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .conformance import read, search, write

Check = Callable[[Any], None]

READABLE: tuple[Check, ...] = read.CHECKS
WRITABLE: tuple[Check, ...] = write.CHECKS
GETTABLE: tuple[Check, ...] = search.GETTABLE
SEARCHABLE: tuple[Check, ...] = search.SEARCHABLE


def name(check: Check) -> str:
    """Return a check's name, for pytest's ``ids``."""
    return check.__name__
