"""A spec's folder into a plan: files read, callables inspected, the compiler called."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from ...compiler.binding.params import ParamError, Value
from ...compiler.binding.params import bind_params as bind
from ...compiler.compile import check_sources, compile_sources, needed_callables
from ...compiler.diagnostics import CompileError, Diagnostic, Label
from ...compiler.meaning.pipeline import Pipeline
from ...compiler.meaning.resolve import Surroundings
from ...compiler.meaning.sources import Sources, Unreadable
from ...compiler.plan import Compiled
from ...compiler.signature import Signatures
from ...compiler.source import SourceFile, Span
from ...compiler.spec import Param
from ...connectors.registry import names as connector_names
from ..failures import Refused
from ..perform.world import SystemClock
from .inspection import LIMIT, inspect_callables
from .prices import known_prices, unpriced
from .settings import policy_path

_PLACE = re.compile(r"(?<=: )(\S+)(:\d+:\d+)$")
"""A place at the end of a note."""
SUFFIXES = (".yaml", ".yml")
LARGEST = 64 << 20
"""Bytes of a file that are read before it is refused: more than the compiler takes, so that it can say how many."""


def find_spec(path: Path) -> Path:
    """Return the file that a person means by ``path``: a file, or the only spec of a folder.

    Raises:
        Refused: there is no such file, or the folder holds none or several.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        near = sorted(str(one) for one in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        raise Refused(f"there is no file {path}", help=f"there is {', '.join(near[:5])}" if near else "give the path of a spec")
    found = [one for one in sorted(path.iterdir()) if one.suffix in SUFFIXES and _looks_like_a_spec(one)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(f"the folder {path} holds no spec", help="a spec is a YAML file with darner: 1 and a name")
    raise Refused(f"the folder {path} holds several specs", help=f"name one of them: {', '.join(map(str, found))}")


def _looks_like_a_spec(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            lines = file.read(64 << 10).splitlines()
    except OSError:
        return False
    return any(line.startswith(b"darner:") for line in lines) and any(line.startswith(b"name:") for line in lines)


def compile_spec(
    path: Path, *, params: Mapping[str, str] | None = None, policy: Path | None = None, inspect: bool = True, limit: float = LIMIT
) -> Compiled:
    """Return the plan of the spec at ``path`` (a file, or a folder with one spec), and what belongs to it.

    Args:
        path: the spec. Its folder is where imports, prompts and Python modules are looked for first.
        params: values for the spec's parameters, as texts; they are checked, and stand in ``Compiled.params``.
        policy: the platform's policy file, laid over the spec's own; ``DARNER_POLICY`` where none is given.
        inspect: whether the spec's Python is imported (in a child process); without it, what needs Python is not checked.
        limit: seconds that one module may take to import.

    Raises:
        CompileError: the spec is wrong; it holds every finding, and the sources that they point into.
        Refused: there is no such file, or ``params`` don't fit.
    """
    spec, policy = find_spec(path), policy_path(policy)
    with _Relocated(spec.parent) as located:
        sources, around = _take_in(spec, policy, inspect=inspect, limit=limit, located=located)
        compiled = compile_sources(sources, around)
    return compiled.model_copy(update={"params": bind_params(compiled.plan.params, params or {}, complete=False)})


def bind_params(declared: Mapping[str, Param], given: Mapping[str, str], *, complete: bool = True) -> dict[str, Value]:
    """Return a value for every parameter (see `compiler.params`); `Refused` where one is missing or doesn't fit."""
    try:
        return bind(declared, given, complete=complete)
    except ParamError as error:
        raise Refused(error.message, help=error.help) from None


def check_spec(path: Path, *, params: Mapping[str, str] | None = None, policy: Path | None = None, inspect: bool = True) -> Pipeline:
    """Return the checked pipeline of a spec or a library; arguments and errors are those of `compile_spec`."""
    spec, policy = find_spec(path), policy_path(policy)
    with _Relocated(spec.parent) as located:
        sources, around = _take_in(spec, policy, inspect=inspect, limit=LIMIT, located=located)
        pipeline = check_sources(sources, around)
    bind_params({name: one.value for name, one in pipeline.names.params.items()}, params or {}, complete=False)
    return pipeline


def _take_in(spec: Path, policy: Path | None, *, inspect: bool, limit: float, located: _Relocated) -> tuple[Sources, Surroundings]:
    folder = spec.parent
    sources = Sources(spec.name, policy=_relative(policy, folder) if policy is not None else None)
    located.sources = sources
    while names := sources.needed():
        for name in names:
            sources.add(name, _read(folder, name))
    refs = needed_callables(sources)
    with ThreadPoolExecutor(1) as beside:
        # The table of prices is large: it is read while the callables are looked at in a process of their own.
        prices = beside.submit(known_prices, unpriced(one.spec for one in sources.bounds.values()), SystemClock().now())
        signatures = inspect_callables(refs, folder, limit=limit) if inspect and refs else Signatures(inspected=inspect)
        return sources, Surroundings(signatures, frozenset(connector_names()), prices.result())


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _read(folder: Path, name: str) -> bytes | Unreadable:
    path = folder / name
    try:
        if path.is_dir():
            return Unreadable("it is a folder")
        with path.open("rb") as file:
            return file.read(LARGEST)
    except FileNotFoundError:
        return Unreadable("there is no such file", _siblings(folder, name))
    except OSError as error:
        return Unreadable((error.strerror or str(error)).lower())


def _siblings(folder: Path, name: str) -> tuple[str, ...]:
    parent = (folder / name).parent
    if not parent.is_dir():
        return ()
    return tuple(sorted((Path(name).parent / one.name).as_posix() for one in parent.iterdir() if one.suffix == Path(name).suffix))


class _Relocated:
    """Turns places relative to the spec's folder into places that the caller's terminal can open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sources: Sources | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CompileError):
            files = self.sources.files if self.sources is not None else {}
            shown = {self._shown(name): SourceFile(self._shown(name), file.text) for name, file in files.items()}
            raise CompileError([self._moved(one) for one in error.diagnostics], shown) from None

    def _shown(self, name: str) -> str:
        return os.path.normpath(self._folder / name)

    def _span(self, span: Span) -> Span:
        return dataclasses.replace(span, path=self._shown(span.path))

    def _moved(self, one: Diagnostic) -> Diagnostic:
        labels = tuple(Label(self._span(label.span), label.message) for label in one.labels)
        notes = tuple(_PLACE.sub(self._note, note) for note in one.notes)
        return dataclasses.replace(one, span=self._span(one.span), labels=labels, notes=notes)

    def _note(self, found: re.Match[str]) -> str:
        known = self.sources is not None and found[1] in self.sources.files
        return f"{self._shown(found[1])}{found[2]}" if known else found[0]
