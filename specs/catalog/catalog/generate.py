"""Make a feed of products up: realistic, untidy, and the same bytes for the same seed.

    python -m catalog.generate --rows 250000 --out feed.parquet [--format parquet|csv|jsonl] [--seed 7] [--day 1]

About 0.3 % of the rows are beyond repair, 0.4 % repeat a key (the later row holds), 1 % resemble another row.
``--day 2`` is the same shop a day later: some prices moved, some texts were edited, some products came and went.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from .made_up import habits
from .made_up.profiles import PROFILES, Profile
from .made_up.words import AUDIENCES, BRAND_ENDS, BRAND_STARTS, COLOURS, FOR_WHAT, LINES, MORE, OPENINGS
from .tree import LEAVES, Leaf

BROKEN, REPEATED, RESEMBLING = 0.003, 0.004, 0.010
CHUNK = 25_000
LANGUAGE_SHARES = (0.52, 0.20, 0.09, 0.09, 0.06, 0.04)
_COME_IN_PAIRS = (
    "sunglasses boots shoes sandals skis goggles skates sledges leggings jeans chinos shorts joggers headphones earbuds earphones"
    " heels loafers sneakers slippers socks trousers gloves defenders glasses pyjamas bras nappies dummies seeds pliers scissors"
    " secateurs calipers tongs toothpaste perfume plugs screws ties notes envelopes chains weights bands strips"
)
_PAIRS = frozenset(_COME_IN_PAIRS.split())
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("product_id", "title", "description", "brand", "price", "currency", "shelf", "colour")),
        *(pa.field(name, pa.string()) for name in ("material", "size", "capacity", "weight", "voltage")),
        pa.field("stock", pa.int64()),
        pa.field("views", pa.int64()),
    ]
)
Record = dict[str, Any]
Draw = list[float]


def singular(noun: str) -> str:
    """Return an English category's name as one product of it is called."""
    head, _, last = noun.rpartition(" ")
    if last.lower() in _PAIRS or not last.endswith("s") or last.endswith("ss"):
        return noun
    for ending, instead in (("knives", "knife"), ("ies", "y"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("sses", "ss"), ("s", "")):
        if last.endswith(ending):
            last = last[: -len(ending)] + instead
            break
    return f"{head} {last}".strip()


def _nouns() -> list[tuple[str, ...]]:
    """Return, leaf by leaf, the noun in each language; where a language has none, the English one."""
    found = []
    for leaf in LEAVES:
        english = singular(leaf.nouns["en"])
        found.append((english, *(leaf.nouns.get(language, english) for language in ("de", "fr", "es", "pl", "ja"))))
    return found


NOUNS = _nouns()


def _pick(choices: Any, draw: float) -> Any:
    return choices[int(draw * len(choices))]


def _measures(profile: Profile, language: int, draw: Draw) -> tuple[str | None, str | None, str | None, str | None]:
    """Return size, capacity, weight and voltage as the merchant typed them."""
    habit = int(draw[0] * 24)
    size = habits.size(profile.sized, _pick(profile.sizes, draw[1]), language, habit) if profile.sizes else None
    capacity = habits.capacity(_pick(profile.capacities, draw[2]), language, habit) if profile.capacities else None
    weight = habits.weight(_pick(profile.weights, draw[3]), language, habit) if profile.weights and draw[4] < 0.7 else None
    voltage = habits.voltage(_pick(profile.volts, draw[5]), habit) if profile.volts else None
    return size, capacity, weight, voltage


def _title(language: int, words: dict[str, str], measure: str, audience: str, style: int) -> str:
    """Return a title in one of the ways in which shops write them."""
    brand, line, noun, feature = words["brand"], words["line"], words["noun"], words["feature"]
    material, colour = words["material"], words["colour"]
    if language == 5:
        return (f"{brand} {noun} {feature} {measure} {colour}", f"【{feature}】{brand} {line} {noun} {audience}{measure}")[style % 2]
    if language == 0:
        noun = noun.title().replace("'S", "'s") if style % 3 else noun
        return (
            f"{brand} {line} {feature} {noun} {audience} {measure}", f"{feature.capitalize()} {material} {noun} {measure} - {brand}",
            f"{brand} {noun} {audience}, {feature}, {colour}, {measure}", f"{noun} {measure} {material} | {brand} {line}",
            f"{brand} {line} {noun} {feature} {colour}", f"{brand} {material} {noun} {audience} {measure}",
        )[style % 6]  # fmt: skip
    return (
        f"{noun} {measure} {brand} {line} {audience}", f"{brand} {line} {noun} {measure} {feature}", f"{brand} {noun} {feature}, {colour}",
        f"{noun} {feature} {audience} {measure} - {brand}", f"{brand} {noun} {material} {measure}", f"{noun} {line}, {material}, {colour}",
    )[style % 6]  # fmt: skip


def _description(language: int, words: dict[str, str], draw: Draw) -> str | None:
    """Return nothing, a sentence, or several, sometimes with the remains of a web page."""
    if draw[0] < 0.09:
        return None
    opening = _pick(OPENINGS[language], draw[1]).format_map(words | {"noun": words["noun"].lower()} if language == 0 else words)
    if draw[0] < 0.35:
        return str(opening)
    more = MORE[language]
    first, count = int(draw[2] * len(more)), 1 + int(draw[3] * draw[3] * len(more))
    sentences = [opening, *(more[(first + step) % len(more)].format_map(words) for step in range(count))]
    if draw[4] < 0.12:
        return "<p>" + "</p>\n<p>".join(sentences).replace("&", "&amp;") + "</p>"
    if draw[4] < 0.18:
        return "<ul><li>" + "</li><li>".join(sentences) + "</li></ul><br/>&nbsp;"
    return ("" if language == 5 else " ").join(sentences)


def _brand(brand: str, draw: float) -> str | None:
    """Return a brand as a merchant writes it."""
    if draw < 0.76:
        return brand
    return (brand.upper(), brand.lower(), f"{brand}®", f" {brand}  GmbH", f"{brand} Ltd.", None)[int((draw - 0.76) * 24.99)]


def _untidy(title: str, draw: float) -> str:
    """Return a title with what copying and marketing do to it, in one row of eight."""
    if draw > 0.125:
        return title
    return (
        title.upper(), f"  {title} ", f"🔥 {title} 🔥", title.replace(" ", "\u00a0", 2), f"<b>{title}</b>", title.replace("&", "&amp;"),
        f"{title} ★★★★★", f"NEW! {title}",
    )[int(draw * 64) % 8]  # fmt: skip


def _product(number: int, leaf: Leaf, nouns: tuple[str, ...], language: int, draw: Draw) -> Record:
    """Return one tidy or untidy product; every choice comes from ``draw``, 32 numbers in [0, 1)."""
    profile = PROFILES[leaf.profile]
    brand = _pick(BRAND_STARTS, draw[0]) + _pick(BRAND_ENDS, draw[1] * draw[1])
    colour, material = _pick(COLOURS, draw[2])[language], _pick(profile.materials, draw[3])[language]
    size, capacity, weight, voltage = _measures(profile, language, draw[4:10])
    audience = _pick(AUDIENCES, draw[10])[language] if profile.for_people else ""
    words = {
        "brand": brand, "line": _pick(LINES, draw[11]), "noun": nouns[language], "feature": _pick(profile.features, draw[12])[language],
        "material": material, "colour": colour, "use": _pick(FOR_WHAT, draw[13])[language],
    }  # fmt: skip
    title = _title(language, words, voltage or capacity or size or "", audience, int(draw[14] * 24))
    price, currency = habits.price(leaf.cheapest * (leaf.dearest / leaf.cheapest) ** draw[15], language, int(draw[16] * 32))
    missing = draw[17]
    return {
        "product_id": f"P{number:07d}",
        "title": None if missing < 0.004 else _untidy(" ".join(title.split()).replace(" ,", ","), draw[18]),
        "description": _description(language, words, draw[19:24] if missing >= 0.004 else [0.5, *draw[20:24]]),
        "brand": _brand(brand, draw[24]),
        "price": price,
        "currency": currency,
        "shelf": leaf.path.split(" > ")[1] if draw[25] < 0.4 else None,
        "colour": colour if draw[26] < 0.8 else None,
        "material": material if draw[27] < 0.6 else None,
        "size": size,
        "capacity": capacity,
        "weight": weight,
        "voltage": voltage,
        "stock": int(draw[28] * draw[28] * 400),
        "views": int(draw[29] ** 4 * 90_000),
    }


def _break(row: Record, way: int) -> Record:
    """Return a row that nobody can repair."""
    return row | (
        {"price": "-12.99"}, {"price": "call for price"}, {"price": None}, {"size": "12 parsec"}, {"weight": "-3 kg"},
        {"title": " ", "description": None},
    )[way % 6]  # fmt: skip


def _moved(price: str) -> str:
    """Return another price of the same length: its last digit is another one."""
    last = max((index for index, letter in enumerate(price) if letter.isdigit()), default=-1)
    return price if last < 0 else price[:last] + str((int(price[last]) + 3) % 10) + price[last + 1 :]


def _a_day_later(row: Record, draw: Draw) -> Record | None:
    """Return a row as it is the next day: visited again, and sometimes dearer, edited or gone."""
    if draw[0] < 0.003:
        return None
    changed = row | {"views": row["views"] + 1 + int(draw[1] * 50)}
    if draw[0] < 0.023 and row["price"]:
        changed["price"] = _moved(row["price"])
    elif draw[0] < 0.028 and row["title"]:
        changed["title"] = f"{row['title']} (2027)"
    return changed


class Feed:
    """All rows of one feed, made chunk by chunk, so that memory stays small at any size."""

    def __init__(self, rows: int, seed: int = 7, day: int = 1) -> None:
        """Settle which rows are broken, repeat an earlier key, or resemble an earlier row."""
        self._rows, self._day = rows, day
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._later = np.random.Generator(np.random.PCG64([seed, day]))
        special = self._random.permutation(rows)
        ends = np.cumsum([round(rows * share) for share in (BROKEN, REPEATED, RESEMBLING)])
        self.broken = frozenset(special[: ends[0]].tolist())
        self.repeated = frozenset(special[ends[0] : ends[1]].tolist())
        self.resembling = frozenset(special[ends[1] : ends[2]].tolist())
        self._borders = np.cumsum(LANGUAGE_SHARES)
        self._sound: list[Record] = []

    def chunks(self) -> Iterator[list[Record]]:
        """Yield the rows in order."""
        for start in range(0, self._rows, CHUNK):
            count = min(CHUNK, self._rows - start)
            draws = self._random.random((count, 32))
            languages = np.minimum(np.searchsorted(self._borders, self._random.random(count), side="right"), 5).tolist()
            leaves = (self._random.random(count) ** 1.2 * len(LEAVES)).astype(int).tolist()
            rows = [self._row(start + i, leaves[i], languages[i], draw) for i, draw in enumerate(draws.tolist())]
            yield rows if self._day == 1 else self._next_day(rows)

    def _row(self, number: int, leaf: int, language: int, draw: Draw) -> Record:
        if self._sound and number in self.repeated:
            earlier = _pick(self._sound, draw[30])
            return earlier | {"price": _moved(earlier["price"]), "stock": int(draw[28] * 90)}
        if self._sound and number in self.resembling:
            earlier = _pick(self._sound, draw[30])
            return earlier | {"product_id": f"P{number:07d}", "title": f"{earlier['title'] or ''} *NEW*".strip()}
        row = _product(number, LEAVES[leaf], NOUNS[leaf], language, draw)
        if number in self.broken:
            return _break(row, int(draw[31] * 6))
        if number % 7 == 0:
            self._sound = [*self._sound[-1999:], row]
        return row

    def _next_day(self, rows: list[Record]) -> list[Record]:
        draws = self._later.random((len(rows), 2)).tolist()
        later = (_a_day_later(row, draw) for row, draw in zip(rows, draws, strict=True))
        return [row for row in later if row is not None]


def write(path: Path, chunks: Iterator[list[Record]], form: str) -> None:
    """Write a feed; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    _WRITERS[form](unfinished, chunks)
    unfinished.replace(path)


def _write_parquet(path: Path, chunks: Iterator[list[Record]]) -> None:
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for rows in chunks:
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))


def _write_csv(path: Path, chunks: Iterator[list[Record]]) -> None:
    with pa.csv.CSVWriter(path, SCHEMA) as writer:
        for rows in chunks:
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))


def _write_jsonl(path: Path, chunks: Iterator[list[Record]]) -> None:
    with path.open("w", encoding="utf-8") as lines:
        for rows in chunks:
            lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


_WRITERS: dict[str, Callable[[Path, Iterator[list[Record]]], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "jsonl": _write_jsonl,
}


def main(arguments: list[str] | None = None) -> None:
    """Write one feed."""
    parser = argparse.ArgumentParser(prog="catalog.generate", description="Make a feed of products up.")
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--format", choices=sorted(_WRITERS), default="parquet")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--day", type=int, default=1, help="2 and later: the same shop on another day")
    given = parser.parse_args(arguments)
    write(given.out, Feed(given.rows, given.seed, given.day).chunks(), given.format)


if __name__ == "__main__":
    main()
