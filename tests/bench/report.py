"""What was measured, as tables: on the terminal, and in docs/benchmarks.md."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@dataclass
class Table:
    """One comparison: what it is about, its columns, its lines, and what must be said beside it."""

    title: str
    columns: Sequence[str]
    about: str = ""
    lines: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        """Add a line: a cell for each column."""
        assert len(cells) == len(self.columns), cells
        self.lines.append(cells)

    def markdown(self) -> str:
        """Return the table as Markdown that can be read on a terminal, too."""
        rows = [list(self.columns), *[list(line) for line in self.lines]]
        widths = [max(len(row[at]) for row in rows) for at in range(len(self.columns))]
        shown = [
            "| " + " | ".join(_cell(text, width, at) for at, (text, width) in enumerate(zip(row, widths, strict=True))) + " |"
            for row in rows
        ]
        rule = "|" + "|".join("-" * (width + 1) + (":" if at else "-") for at, width in enumerate(widths)) + "|"
        parts = [f"## {self.title}", self.about, "\n".join([shown[0], rule, *shown[1:]]), *self.notes]
        return "\n\n".join(part for part in parts if part)


def _cell(text: str, width: int, at: int) -> str:
    return text.ljust(width) if at == 0 else text.rjust(width)


@dataclass
class Page:
    """The tables of a run; each is shown as soon as it is there, so that a later failure loses none."""

    tables: list[Table] = field(default_factory=list)
    pictures: dict[Path, str] = field(default_factory=dict)
    """SVG files that tables show, by path."""

    def append(self, table: Table) -> None:
        """Add a table and print it."""
        self.tables.append(table)
        sys.stdout.write(f"\n{table.markdown()}\n")
        sys.stdout.flush()


def document(tables: Sequence[Table], cores: int, rounds: str, before: str = "") -> str:
    """Return the whole page; ``rounds`` says how often each was measured.

    Sections of the page ``before`` that were not measured now stay as they are.
    """
    head = (
        "# Benchmarks\n\n"
        f"Written by `DARNER_BENCH_WRITE=1 make bench` on {cores} cores ({platform.machine()}, Python {platform.python_version()}); "
        f"{rounds}; what stands in one table was measured side by side in one run. Use them as ratios: another machine has other "
        "seconds, and where others work on it, a fifth more or less means nothing. What loses is here, too.\n"
    )
    now = {table.title: table.markdown() for table in tables}
    kept = [f"## {section.strip()}" for section in before.split("\n## ")[1:]]
    sections = [now.pop(section.partition("\n")[0].removeprefix("## "), section) for section in kept]
    return head + "\n" + "\n\n".join([*sections, *now.values()]) + "\n"


def rate(rows: int, seconds: float) -> str:
    """Return rows a second."""
    return f"{rows / seconds:,.0f}"


def gigabytes(size: int) -> str:
    """Return bytes as GB."""
    return f"{size / 1e9:.2f} GB"
