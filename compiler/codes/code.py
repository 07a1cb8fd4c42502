"""What is known of one code of a finding."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A code's short title, an explanation of a paragraph, and a piece of a spec that is wrong in that way."""

    title: str
    explanation: str
    example: str
