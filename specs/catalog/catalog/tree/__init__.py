"""The category tree: what is sold, in six languages."""

from __future__ import annotations

from dataclasses import dataclass

from . import beauty, electronics, fashion, garden, home, kids, kitchen, office, sport, tools

LANGUAGES = ("en", "de", "fr", "es", "pl", "ja")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One category: its path, its nouns by language, what its products are like and what they cost (EUR)."""

    path: str
    nouns: dict[str, str]
    profile: str
    cheapest: float
    dearest: float


def parse(text: str) -> list[Leaf]:
    """Return the leaves of one department: it stands at the margin, groups are indented by one, leaves by two."""
    leaves: list[Leaf] = []
    department = group = profile = ""
    low = high = 0.0
    for line in text.strip().splitlines():
        if line.startswith("  "):
            words = line.strip().split("|")
            leaves.append(Leaf(f"{department} > {group} > {words[0]}", dict(zip(LANGUAGES, words, strict=False)), profile, low, high))
        elif line.startswith(" "):
            group, _, rest = line.strip().partition(" [")
            profile, prices = rest.rstrip("]").split()
            low, high = (float(price) for price in prices.split("-"))
        else:
            department = line.strip()
    return leaves


DEPARTMENTS = (sport, tools, electronics, home, kitchen, fashion, kids, beauty, garden, office)
LEAVES = tuple(leaf for department in DEPARTMENTS for leaf in parse(department.TREE))
