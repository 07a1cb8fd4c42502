"""What the dead letters of a plan of work say, reason by reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from ...compiler.frozen import Frozen
from ..failures import Corrupt, Missing, StoreError
from ..ports import Store
from .history import markers_of
from .model import Work
from .parts import read_part

_VARIES = re.compile(r"\"[^\"]*\"|'[^']*'|-?\d+(?:[.,]\d+)*")
"""What differs from one row's message to the next of the same reason: quoted values and numbers."""


class Reason(Frozen):
    """Why ``count`` rows are dead; in ``message``, … stands for what differs among them."""

    count: int
    stage: str
    type: str
    message: str

    def __str__(self) -> str:
        """Return the reason as one line."""
        return f"{self.count:,} × {self.stage}: {self.type}: {self.message}"  # noqa: RUF001 - reads as "times"


def reasons(store: Store, work: Work, most: int = 5) -> tuple[Reason, ...]:
    """Return the reasons of a plan of work's dead letters, the most frequent first; letters that can't be read are left out."""
    counts: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], str] = {}
    various = set()
    with suppress(StoreError):  # a report of what went wrong with the store must not fail for it
        for stage, kind, message in _letters(store, work):
            key = (stage, kind, _VARIES.sub("…", message))
            counts[key] += 1
            if first.setdefault(key, message) != message:
                various.add(key)
    found = counts.most_common(most)
    return tuple(
        Reason(count=count, stage=key[0], type=key[1], message=_line(key[2] if key in various else first[key])) for key, count in found
    )


def place_of_letters(store: Store, name: str) -> str:
    """Return where a folder of dead letters can be opened: an absolute path, or a URL."""
    local = store.local_path(name)
    return str(local.absolute()) if local is not None else f"{store.url.rstrip('/')}/{name}"


def _line(message: str) -> str:
    return " ".join(message.split())


def _letters(store: Store, work: Work) -> Iterator[tuple[str, str, str]]:
    refs = [marker.dead for marker in markers_of(store, work.job, work.generation)]
    for ref in [*refs, work.source_dead]:
        if ref is None:
            continue
        try:
            table = read_part(store, ref)
        except (Missing, Corrupt):  # found, and made again, by whoever needs it: this only tells
            continue
        for row in table.select(["stage", "type", "message"]).to_pylist():
            message = str(row["message"])
            # A source's row says where it stands, which is another place for each.
            yield row["stage"], row["type"], message.partition(": ")[2] if row["stage"] == "source" else message
