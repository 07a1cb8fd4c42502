"""docs/reference/journal.md says what a journal holds, down to each event and field."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from darner.runtime import events

PAGE = (Path(__file__).parents[2] / "docs/reference/journal.md").read_text(encoding="utf-8")
KINDS: tuple[Any, ...] = get_args(get_args(events.Event)[0])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_and_each_of_its_fields_is_in_the_reference(kind: Any) -> None:
    """An event that nobody wrote down could not be read by anybody else."""
    name = kind.model_fields["kind"].default
    [row] = re.findall(rf"^\| `{name}` \|.*$", PAGE, flags=re.MULTILINE)
    missing = [field for field in kind.model_fields if field not in {"kind", "at"} and f"`{field}`" not in row]
    assert missing == []
