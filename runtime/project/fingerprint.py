"""Fingerprints of Python code: over tokens, of a callable and of everything in its own package that it reaches.

Comments, docstrings and layout don't count, so a formatter or a better explanation redoes nothing. Names that lead out
of the package (the standard library, other packages) are not followed. A name that can't be followed takes its whole
module. The result is equal on every supported Python and in every folder.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.util
import io
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

WHOLE = "*"
"""Stands for a whole module where a name is expected."""

_LAYOUT = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER})
_STRUCTURE = {tokenize.NEWLINE: ";", tokenize.INDENT: "{", tokenize.DEDENT: "}"}
_FSTRING_START = getattr(tokenize, "FSTRING_START", -1)
_FSTRING_END = getattr(tokenize, "FSTRING_END", -1)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
Span = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class ModuleText:
    """One module of the user's own: its source and what its top-level statements define."""

    name: str
    text: str
    is_package: bool

    @cached_property
    def tree(self) -> ast.Module:
        """The module, parsed."""
        return ast.parse(self.text)

    @cached_property
    def definitions(self) -> dict[str, list[ast.stmt]]:
        """Name to the top-level statements that bind it or change it."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body:
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                for name in _bound(statement):
                    found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """Name to (module, name inside it) for every import anywhere at the top level; stars under ``*<n>``."""
        return dict(self.imported(self.tree))

    def imported(self, tree: ast.AST) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield (local name, (module, name inside it)) for the imports in ``tree``, outside functions and inside."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    local = alias.asname or alias.name.partition(".")[0]
                    yield local, (alias.name if alias.asname else local, WHOLE)
            elif isinstance(node, ast.ImportFrom):
                source = self._absolute(node)
                for number, alias in enumerate(node.names):
                    local = f"*{node.lineno}.{number}" if alias.name == "*" else alias.asname or alias.name
                    yield local, (source, WHOLE if alias.name == "*" else alias.name)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        kept = parts[: len(parts) - node.level + (1 if self.is_package else 0)]
        return ".".join([*kept, *([node.module] if node.module else [])])

    @cached_property
    def tokens(self) -> list[tuple[Span, str]]:
        """Every token that counts, with its place."""
        return list(_tokens(self.text, _docstrings(self.tree)))


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a top-level statement defines, or may change."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = {node.name for node in ast.walk(statement) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and (isinstance(node.ctx, ast.Store | ast.Del) or isinstance(statement, ast.Expr)):
            names.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            names.add(node.value.id)
    return names


def _docstrings(tree: ast.Module) -> set[tuple[int, int]]:
    """Return where docstrings start, as (line, column)."""
    starts = set()
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            starts.add((node.body[0].lineno, node.body[0].col_offset))
    return starts


def _tokens(text: str, docstrings: set[tuple[int, int]]) -> Iterator[tuple[Span, str]]:
    """Yield tokens; an f-string is one token on every Python; a docstring goes with the end of its statement."""
    lines = text.splitlines(keepends=True)
    depth, opened, after_docstring = 0, (0, 0), False
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == _FSTRING_START:
            opened = opened if depth else token.start
            depth += 1
        elif token.type == _FSTRING_END:
            depth -= 1
            if depth == 0:
                yield (opened, token.end), _between(lines, opened, token.end)
        elif depth or token.type in _LAYOUT:
            continue
        elif token.type == tokenize.STRING and (token.start[0], len(lines[token.start[0] - 1][: token.start[1]].encode())) in docstrings:
            after_docstring = True
            continue
        elif after_docstring and token.type == tokenize.NEWLINE:
            pass
        else:
            yield (token.start, token.end), _STRUCTURE.get(token.type, token.string)
        after_docstring = False


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    first, last = lines[start[0] - 1][start[1] :], lines[end[0] - 1][: end[1]]
    return "".join([first, *lines[start[0] : end[0] - 1], last])


@dataclass
class Fingerprints:
    """Computes fingerprints for callables of one project. ``folder`` is the spec's: modules in it are the user's own."""

    folder: Path
    _modules: dict[str, ModuleText | None] = field(default_factory=dict)

    def of(self, ref: str) -> str:
        """Return the fingerprint of ``module.path:attr``: 32 hexadecimal digits."""
        module, _, attribute = ref.partition(":")
        reached: set[tuple[str, str]] = set()
        waiting = [(module, attribute.partition(".")[0])]
        package = module.partition(".")[0]
        while waiting:
            at = waiting.pop()
            if at not in reached and self._own(at[0], package) is not None:
                reached.add(at)
                waiting.extend(self._reaches(*at, package))
        whole = {name for name, what in reached if what == WHOLE}
        kept = sorted(one for one in reached if one[1] == WHOLE or one[0] not in whole)
        digest = hashlib.sha256(ref.encode())
        for name, what in kept:
            digest.update(f"\0{name}:{what}\0".encode())
            digest.update("\0".join(self._pieces(name, what)).encode())
        return digest.hexdigest()[:32]

    def _own(self, name: str, package: str) -> ModuleText | None:
        if name not in self._modules:
            self._modules[name] = self._find(name)
        module = self._modules[name]
        if module is None or name.partition(".")[0] == package:
            return module
        return module if self._beside(name) else None

    def _beside(self, name: str) -> bool:
        top = name.partition(".")[0]
        return (self.folder / top).is_dir() or (self.folder / f"{top}.py").is_file()

    @staticmethod
    def _find(name: str) -> ModuleText | None:
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        try:
            spec = sys.modules[name].__spec__ if name in sys.modules else importlib.util.find_spec(name)
        except (ImportError, AttributeError, ValueError):
            return None
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return None
        try:
            text = importlib.util.decode_source(Path(spec.origin).read_bytes())
            ast.parse(text)
        except (OSError, SyntaxError, UnicodeError):
            return None
        return ModuleText(name, text, spec.submodule_search_locations is not None)

    def _reaches(self, name: str, what: str, package: str) -> Iterator[tuple[str, str]]:
        module = self._own(name, package)
        if module is None:
            return
        if what == WHOLE:
            yield from (self._target(*target, package) for target in module.imports.values())
            return
        if what in module.definitions:
            for statement in module.definitions[what]:
                yield from self._uses(module, statement, package)
        elif what in module.imports:
            yield self._target(*module.imports[what], package)
        elif not hasattr(builtins, what) and not (what.startswith("__") and what.endswith("__")):
            yield from self._unfollowed(module, package)

    def _unfollowed(self, module: ModuleText, package: str) -> Iterator[tuple[str, str]]:
        """Yield where a name may come from that no statement of the module defines."""
        stars = [target for local, target in module.imports.items() if local.startswith("*")]
        yield from (self._target(*target, package) for target in stars)
        if not stars:
            yield module.name, WHOLE

    def _target(self, source: str, what: str, package: str) -> tuple[str, str]:
        """Return where an imported name stands: a submodule is a module, whole."""
        if what != WHOLE and self._own(f"{source}.{what}", package) is not None:
            return f"{source}.{what}", WHOLE
        return source, what

    def _uses(self, module: ModuleText, statement: ast.stmt, package: str) -> Iterator[tuple[str, str]]:
        local = dict(module.imported(statement))
        known = module.imports | local
        chained: set[int] = set()
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute):
                chain = _chain(node)
                if chain and chain[0] in known and id(node) not in chained:
                    chained.update(id(inner) for inner in ast.walk(node))
                    yield self._follow(known[chain[0]], chain[1:], package)
            elif isinstance(node, ast.Name) and id(node) not in chained:
                if node.id in known:
                    yield self._target(*known[node.id], package)
                elif node.id in module.definitions:
                    yield module.name, node.id
                elif _dynamic(node.id):
                    yield module.name, WHOLE
                else:
                    yield from self._starred(module, node.id, package)

    def _starred(self, module: ModuleText, name: str, package: str) -> Iterator[tuple[str, str]]:
        """Yield where a star import brings a name from; a star behind a star is taken whole."""
        for local, (source, _) in module.imports.items():
            found = self._own(source, package) if local.startswith("*") else None
            if found is None:
                continue
            if name in found.definitions or name in found.imports:
                yield source, name
            elif any(one.startswith("*") for one in found.imports):
                yield source, WHOLE

    def _follow(self, target: tuple[str, str], attributes: list[str], package: str) -> tuple[str, str]:
        """Follow ``alias.a.b`` through submodules to the name that is meant."""
        source, what = self._target(*target, package)
        if what != WHOLE:
            return source, what
        for attribute in attributes:
            if self._own(f"{source}.{attribute}", package) is None:
                return source, attribute
            source = f"{source}.{attribute}"
        return source, WHOLE

    def _pieces(self, name: str, what: str) -> list[str]:
        module = self._modules[name]
        if module is None:
            return []
        if what == WHOLE:
            return [text for _, text in module.tokens]
        return [text for statement in module.definitions.get(what, []) for text in self._within(module, statement)]

    @staticmethod
    def _within(module: ModuleText, statement: ast.stmt) -> Iterator[str]:
        decorators = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(one.lineno for one in decorators)])
        last = statement.end_lineno or statement.lineno
        for (start, _), text in module.tokens:
            if first <= start[0] <= last:
                yield text


def _chain(node: ast.Attribute) -> list[str]:
    """Return ``["a", "b", "c"]`` for ``a.b.c``, or nothing where it doesn't start with a name."""
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    return [inner.id, *reversed(parts)] if isinstance(inner, ast.Name) else []


def _dynamic(name: str) -> bool:
    return name in {"globals", "eval", "exec", "vars", "__import__"}
