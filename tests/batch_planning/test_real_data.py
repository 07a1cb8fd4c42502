"""Real feeds: a distribution's packages with its security suite laid over them, and a taxonomy in six versions."""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from darner.connectors.memory.table import Memory
from darner.connectors.registry import source
from darner.runtime.batch.parts import read_part

from .workshop import Shop, Tables, plain_hash

DATA = Path(__file__).parents[3] / "shared" / "data"
PACKAGES = ("main", "security")
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data is not here: {DATA}")


class Package(BaseModel):
    """A software package."""

    name: str
    version: str
    section: str | None = None
    priority: str | None = None
    summary: str | None = None
    maintainer: str | None = None
    homepage: str | None = None
    architecture: str | None = None
    tags: list[str] = []
    depends: str | None = None
    size: int | None = None
    installed_size: int | None = None


class Category(BaseModel):
    """A category of a taxonomy."""

    id: int
    type: str
    label: str
    parent_id: int | None = None
    allows_inventory: bool | None = None


def newer(one: str, other: str) -> bool:
    """Return whether a version is higher, by the distribution's own rules."""

    def epoch(text: str) -> tuple[int, str]:
        head, colon, rest = text.partition(":")
        return (int(head), rest) if colon else (0, text)

    def order(letter: str) -> int:
        return -1 if letter == "~" else ord(letter) if letter.isalpha() else ord(letter) + 256

    def compare(left: str, right: str) -> int:
        pieces = zip_longest(re.findall(r"\D*|\d+", left), re.findall(r"\D*|\d+", right), fillvalue="")
        for mine, theirs in pieces:
            if mine[:1].isdigit() or theirs[:1].isdigit():
                if int(mine or 0) != int(theirs or 0):
                    return 1 if int(mine or 0) > int(theirs or 0) else -1
                continue
            for here, there in zip_longest(mine, theirs):
                a, b = (order(letter) if letter else 0 for letter in (here, there))
                if a != b:
                    return 1 if a > b else -1
        return 0

    (first, left), (second, right) = epoch(one), epoch(other)
    if first != second:
        return first > second
    return compare(left, right) > 0


def packages() -> tuple[pa.Table, pa.Table]:
    """Return main, and main with the security suite laid over it (the higher version wins), in name order."""
    main, security = (pq.read_table(DATA / f"debian-{name}.parquet") for name in PACKAGES)
    laid = {row["name"]: row for row in main.to_pylist()}
    for row in security.to_pylist():
        if row["name"] not in laid or newer(row["version"], laid[row["name"]]["version"]):
            laid[row["name"]] = row
    return main, pa.Table.from_pylist([laid[name] for name in sorted(laid)], schema=main.schema)


def test_exactly_the_packages_whose_read_fields_changed_are_redone(tmp_path: Path) -> None:
    """63,440 entries, then the security suite over them: what each stage is called for is what plain Python computes."""
    before, after = packages()
    reads = ("name", "summary", "tags")
    made = Shop(
        tmp_path,
        f"{__name__}:Package",
        tuple(Package.model_fields),
        "name",
        {"describe": reads, "index": ()},
        carries=frozenset({"describe"}),
    )
    feed = source("files", with_={"url": str(DATA / "debian-main.parquet")}, key="name", fields=tuple(Package.model_fields))
    first = made.run(feed)
    names = set(before["name"].to_pylist())
    assert (first.source_rows, first.new, first.superseded) == (63_440, len(names), 63_440 - len(names))
    assert made.run(feed).nothing_to_do

    work = made.run(Tables([after.slice(0, 30_000), after.slice(30_000)]))
    old, new = ({row["name"]: row for row in table.to_pylist()} for table in (before, after))
    changed = {name for name in new if name in old and new[name] != old[name]}
    fresh = new.keys() - old.keys()
    assert (work.new, work.changed, work.unchanged) == (len(fresh), len(changed), len(new) - len(fresh) - len(changed))
    assert {key for ref in work.inputs for key in read_part(made.store, ref)["_key"].to_pylist()} == changed | fresh
    described = {name for name in changed if plain_hash(new[name], reads) != plain_hash(old[name], reads)} | fresh
    assert set(made.called["describe"]) == described
    assert 0 < len(described) < len(changed | fresh)
    assert set(made.called["index"]) == changed | fresh


def categories(version: str) -> list[dict[str, Any]]:
    """Return one version of the taxonomy."""
    found: list[dict[str, Any]] = json.loads((DATA / "whatnot-taxonomy" / f"{version}.json").read_text())["categories"]
    return [{name: row.get(name) for name in Category.model_fields} for row in found]


def test_a_flag_that_changes_in_every_category_redoes_no_stage_that_does_not_read_it(tmp_path: Path) -> None:
    """1.1.0 flips a flag in all 336 rows: all of them go through, none is described again; then one row, then additions."""
    made = Shop(
        tmp_path, f"{__name__}:Category", tuple(Category.model_fields), "id", {"describe": ("label", "parent_id", "type")},
        carries=frozenset({"describe"}),
    )  # fmt: skip
    counted = []
    before: dict[int, dict[str, Any]] = {}
    for version in ("1.0.0", "1.1.0", "1.1.1", "1.1.2", "1.1.3", "1.1.4"):
        now = categories(version)
        work = made.run(Memory(rows=now, name="taxonomy", key="id"))
        old, before = before, {row["id"]: row for row in now}
        wanted = {
            key
            for key, row in before.items()
            if plain_hash(row, ("label", "parent_id", "type"))
            != plain_hash(old.get(key, row | {"label": None}), ("label", "parent_id", "type"))
        }
        assert set(made.called["describe"]) == set(map(str, wanted))
        counted.append((work.new, work.changed, len(made.called["describe"])))
    assert counted[0] == (336, 0, 336)
    assert counted[1] == (0, 336, 0)
    assert counted[2][:2] == (0, 1)
    assert [new > 0 and not changed for new, changed, _ in counted[3:]] == [True] * 3
    assert sum(new for new, _, _ in counted) == 342
