"""Into which category a product belongs: words are weighed, nothing is learned, and every answer can be explained."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

from .tree import LEAVES

UNSORTED = "Unsorted"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_KANA = re.compile(r"[\u30a0-\u30ff\u4e00-\u9fff]{1,12}")
_TITLE, _DESCRIPTION, _SHELF, _ENOUGH = 3.0, 1.0, 1.5, 120
_SMALL_WORDS = "of and the for with to in on by a de la le les del da do na w z i y et en à pour para con der die das und für mit von"
SMALL = frozenset(_SMALL_WORDS.split())
Entries = dict[str, tuple[tuple[int, float], ...]]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return a word without the endings that its plural may have, roughly, for any of the languages."""
    word = word.removesuffix("'s")
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        word = word[:-1]
    short = word.rstrip("enyi")
    return short if len(short) > 2 else word


def words(text: str) -> list[str]:
    """Return the words of a text as they are looked up: lower case, stemmed; Japanese in runs of its characters."""
    found = [stem(word) for word in _WORD.findall(text.lower()) if word not in SMALL]
    return found if text.isascii() else [*found, *_KANA.findall(text)]


def _entries() -> tuple[Entries, dict[str, frozenset[int]]]:
    """Return for each word the leaves that it speaks for, with the share of the leaf's name that it is."""
    names = [(index, words(name)) for index, leaf in enumerate(LEAVES) for name in dict.fromkeys(leaf.nouns.values())]
    spread = Counter(word for _, name in names for word in set(name))
    found: dict[str, dict[int, float]] = {}
    for index, name in names:
        weights = {word: 1.0 / math.sqrt(spread[word]) for word in name}
        for word, weight in weights.items():
            best = found.setdefault(word, {})
            best[index] = max(best.get(index, 0.0), weight / sum(weights.values()))
    shelves: dict[str, set[int]] = {}
    for index, leaf in enumerate(LEAVES):
        shelves.setdefault(leaf.path.split(" > ")[1].lower(), set()).add(index)
    ordered = {word: tuple(sorted(best.items())) for word, best in sorted(found.items())}
    return ordered, {name: frozenset(indexes) for name, indexes in sorted(shelves.items())}


_LEAVES_OF, _SHELVES = _entries()
_PATHS = tuple(leaf.path for leaf in LEAVES)


@lru_cache(maxsize=65_536)
def _speaks_for(word: str) -> tuple[tuple[int, float], ...]:
    return () if word in SMALL else _LEAVES_OF.get(stem(word), ())


def _add(scores: dict[int, float], text: str, weight: float) -> None:
    found = _WORD.findall(text.lower())
    if not text.isascii():
        found += _KANA.findall(text)
    for word in dict.fromkeys(found):
        for index, share in _speaks_for(word):
            scores[index] = scores.get(index, 0.0) + weight * share


def category(title: str, description: str, shelf: str) -> tuple[str, float]:
    """Return a category's path and how sure that is: from 0 to 1, small where another category is nearly as good."""
    scores: dict[int, float] = {}
    _add(scores, title, _TITLE)
    _add(scores, description[:_ENOUGH], _DESCRIPTION)
    for index in _SHELVES.get(shelf.lower(), ()) if shelf else ():
        if index in scores:
            scores[index] += _SHELF
    if not scores:
        return UNSORTED, 0.0
    ranked = sorted((-score, index) for index, score in scores.items())
    best, second = -ranked[0][0], -ranked[1][0] if len(ranked) > 1 else 0.0
    return _PATHS[ranked[0][1]], round(min(1.0, best / (_TITLE + _DESCRIPTION)) * (1.0 - 0.5 * second / best), 3)
