"""Colours of findings on a terminal, as values: who writes decides whether there are any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paint:
    """What is put around the parts of a finding. ``on`` is False for files, pipes and tests."""

    on: bool = False

    def error(self, text: str) -> str:
        """Paint the head and the carets of an error."""
        return self._wrap(text, "1;31")

    def warning(self, text: str) -> str:
        """Paint the head of a warning."""
        return self._wrap(text, "1;33")

    def label(self, text: str) -> str:
        """Paint what is said of another place."""
        return self._wrap(text, "1;34")

    def gutter(self, text: str) -> str:
        """Paint line numbers and the edge beside them."""
        return self._wrap(text, "34")

    def strong(self, text: str) -> str:
        """Paint what is read first."""
        return self._wrap(text, "1")

    def _wrap(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


PLAIN = Paint()
COLOUR = Paint(on=True)
