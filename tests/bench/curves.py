"""Curves as an SVG that is read on light and on dark: lines, two axes, each line's name at its end."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log, log10

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 250, 44, 44
APART = 17.0
"""Pixels between two names."""
STYLE = """
  svg { --ink: #1f2328; --faint: #d1d9e0; --quiet: #59636e; font: 12px system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { svg { --ink: #f0f6fc; --faint: #3d444d; --quiet: #9198a1; } }
  text { fill: var(--quiet); } .title { fill: var(--ink); font-size: 14px; font-weight: 600; }
  .axis { stroke: var(--faint); } .line { fill: none; stroke-width: 2; } .leader { stroke: var(--faint); fill: none; }
"""
COLOURS = ("#2f81f7", "#d1242f", "#bf8700", "#8250df", "#1a9850")


@dataclass(frozen=True)
class Curve:
    """What grew, turn by turn; ``is_dashed`` for what is not the usual way."""

    name: str
    sizes: Sequence[float]
    is_dashed: bool = False

    @property
    def bend(self) -> float:
        """What the second half adds over what the first half adds: 1 is straight, 3 is a parabola."""
        middle = len(self.sizes) // 2
        return (self.sizes[-1] - self.sizes[middle - 1]) / max(self.sizes[middle - 1], 1e-9)

    @property
    def exponent(self) -> float:
        """The power of the turn that fits best from a tenth on, by least squares over logarithms: 1 is straight, 2 a parabola."""
        first = max(len(self.sizes) // 10, 1)
        points = [(log(turn), log(size)) for turn, size in enumerate(self.sizes, 1) if turn >= first and size > 0]
        return statistics.linear_regression(*zip(*points, strict=True)).slope


def svg(title: str, across: str, unit: str, curves: Sequence[Curve]) -> str:
    """Return the picture; sizes are drawn as they are, from nothing."""
    longest, highest = max(len(one.sizes) for one in curves), _round(max(max(one.sizes) for one in curves))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    parts += [f"<style>{STYLE}</style>", f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>']
    parts += _axes(longest, highest, across, unit)
    ends = _apart([_y(one.sizes[-1], highest) for one in curves])
    for number, (one, name_y) in enumerate(zip(curves, ends, strict=True)):
        parts += _drawn(one, COLOURS[number % len(COLOURS)], longest, highest, name_y, unit)
    return "\n".join([*parts, "</svg>", ""])


def _round(value: float) -> float:
    """Return a round number at or above a value."""
    step = 10.0 ** floor(log10(value))
    return next(step * of for of in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * of >= value)


def _x(turn: float, longest: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * turn / longest


def _y(size: float, highest: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * size / highest


def _axes(longest: int, highest: float, across: str, unit: str) -> Iterator[str]:
    for part in range(6):
        size, turn = highest * part / 5, longest * part / 5
        y, x = _y(size, highest), _x(turn, longest)
        yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{size:g} {unit}</text>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{turn:g}</text>'
    yield f'<text x="{_x(longest / 2, longest):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>'


def _drawn(one: Curve, colour: str, longest: int, highest: float, name_y: float, unit: str) -> Iterator[str]:  # noqa: PLR0913, PLR0917 - what a line is, and where
    points = " ".join(f"{_x(turn, longest):.1f},{_y(size, highest):.1f}" for turn, size in enumerate([0.0, *one.sizes]))
    dashes = ' stroke-dasharray="5 4"' if one.is_dashed else ""
    end_x, end_y = _x(len(one.sizes), longest), _y(one.sizes[-1], highest)
    yield f'<polyline class="line" stroke="{colour}"{dashes} points="{points}"/>'
    yield f'<path class="leader" d="M{end_x + 2:.1f},{end_y:.1f} L{end_x + 12:.1f},{name_y:.1f}"/>'
    yield f'<rect x="{end_x + 14:.1f}" y="{name_y - 5:.1f}" width="10" height="10" fill="{colour}"/>'
    yield f'<text x="{end_x + 29:.1f}" y="{name_y + 4:.1f}">{escape(one.name)}: {one.sizes[-1]:.1f} {unit}</text>'


def _apart(places: Sequence[float]) -> list[float]:
    """Return where names stand: as near to their lines' ends as they go without touching, none below the axis."""
    found = list(places)
    lowest = float(HEIGHT - BOTTOM)
    for number in sorted(range(len(places)), key=lambda one: -places[one]):
        found[number] = min(places[number], lowest)
        lowest = found[number] - APART
    return found
