"""Ask the index: the nearest products by meaning, those first that also have the words and numbers of the question.

python -m catalog.search "18V Akkuschrauber" --index FOLDER [--limit 5]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from typing import Any

from .categories import SMALL, stem
from .embedders import Embedder, MiniLM, embedder

_NEAR = 80
_WORDS_COUNT = 0.4
_PIECE = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+")
_SAME = {"liter": "l", "litre": "l", "litro": "l", "volt": "v", "inch": "zoll"}


def pieces(text: str) -> set[str]:
    """Return a text's words that say something, stemmed, and its numbers with their units: ``18v``, ``1l``, ``16zoll``."""
    found: set[str] = set()
    number = ""
    for piece in _PIECE.findall(text.lower()):
        if piece[0].isdigit():
            number = piece.replace(",", ".").removesuffix(".0")
            continue
        if piece in SMALL:
            continue
        unit = _SAME.get(piece, piece)
        found.add(f"{number}{unit}" if number else stem(piece))
        number = ""
    return found | ({number} if number else set())


def agreement(wanted: set[str], title: str) -> float:
    """Return how much of a question a title has, from 0 to 1; a measure counts as much as three words."""
    weights = {piece: 3.0 if piece[0].isdigit() else 1.0 for piece in wanted}
    found = pieces(title)
    return sum(weight for piece, weight in weights.items() if piece in found) / max(sum(weights.values()), 1.0)


class Index:
    """An index that a job has made, with the model that it was made with."""

    def __init__(self, url: str) -> None:
        """Open the table; which model it is shows from the vectors' length."""
        import lancedb  # noqa: PLC0415 - heavy

        database = lancedb.connect(url)
        if "products" not in database.list_tables().tables:
            msg = f"there is no index at {url}: run `darner run specs/catalog` first"
            raise FileNotFoundError(msg)
        self._table = database.open_table("products")
        length = len(self._table.head(1)["vector"][0])
        self._model: Embedder = embedder("minilm" if length == MiniLM.dimensions else "static")

    def search(self, query: str, limit: int = 5) -> list[Mapping[str, Any]]:
        """Return the best rows, each with ``score``: cosine, and how many of the question's words the title has."""
        vector = self._model.embed([query])[0]
        rows = self._table.search(vector, vector_column_name="vector").distance_type("cosine").nprobes(24).refine_factor(4)
        wanted = pieces(query)
        shown = [*_COLUMNS, "_distance"]
        scored = [
            row | {"score": 1.0 - row["_distance"] + _WORDS_COUNT * agreement(wanted, row["title"])}
            for row in rows.select(shown).limit(_NEAR).to_list()
        ]
        return sorted(scored, key=lambda row: (-row["score"], row["product_id"]))[:limit]


_COLUMNS = ("product_id", "title", "brand", "category", "price", "currency")


def main(arguments: list[str] | None = None) -> None:
    """Answer each question with a table."""
    from rich.console import Console  # noqa: PLC0415 - a script that is imported needs no terminal

    parser = argparse.ArgumentParser(prog="catalog.search", description="Search the catalogue by meaning.")
    parser.add_argument("queries", nargs="+")
    parser.add_argument("--index", required=True)
    parser.add_argument("--limit", type=int, default=5)
    given = parser.parse_args(arguments)
    try:
        index = Index(given.index)
    except FileNotFoundError as missing:
        parser.exit(1, f"{missing}\n")
    console = Console() if sys.stdout.isatty() else Console(width=110)
    for query in given.queries:
        console.print(_table(query, index.search(query, given.limit), console.width))


def _table(query: str, rows: list[Mapping[str, Any]], width: int) -> Any:
    from rich import markup  # noqa: PLC0415 - likewise
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - likewise
    from rich.table import Table  # noqa: PLC0415 - likewise

    table = Table(title=query, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=0)
    widths = {"title": max(24, width - 51), "brand": 9, "category": 17, "price": 14, "score": 5}
    for name, cells in widths.items():
        table.add_column(name, width=cells, no_wrap=True, overflow="ellipsis", justify="right" if name in {"price", "score"} else "left")
    for row in rows:
        price = f"{row['price']:,.2f} {row['currency']}"
        table.add_row(
            markup.escape(row["title"]), markup.escape(row["brand"]), row["category"].rpartition(" > ")[2], price, f"{row['score']:.2f}"
        )
    return table


if __name__ == "__main__":
    main()
