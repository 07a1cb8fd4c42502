"""The house as syntax trees: its files, functions and imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("compiler", "connectors", "runtime")


@cache
def files() -> dict[str, tuple[Path, ast.Module]]:
    """Return every module of the parts: dotted name to path and tree."""
    found = {}
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            pieces = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(pieces[:-1] if pieces[-1] == "__init__" else pieces)
            found[name] = (path, ast.parse(path.read_text(encoding="utf-8")))
    return found


def functions() -> Iterator[tuple[str, int]]:
    """Yield every function's place and its number of lines."""
    for path, tree in files().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def imported(name: str) -> set[str]:
    """Return the dotted names that a module imports, relative ones made whole, TYPE_CHECKING blocks included."""
    path, tree = files()[name]
    package = list(path.relative_to(ROOT).parts[:-1])
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = ".".join([*(package[: len(package) - node.level + 1] if node.level else []), *([node.module] if node.module else [])])
            found.add(stem)
            found.update(f"{stem}.{alias.name}" for alias in node.names)
    return found


def graph() -> nx.DiGraph[str]:
    """Return who imports whom inside the house."""
    built: nx.DiGraph[str] = nx.DiGraph()
    for name in files():
        built.add_node(name)
        for target in imported(name):
            known = _known(target)
            if known and known != name:
                built.add_edge(name, known)
    return built


def _known(target: str) -> str:
    while target and target not in files():
        target = target.rpartition(".")[0]
    return target
