"""The files of one compilation, collected: the spec, its imports, the prompts that they name, each read once."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..binding.bind import bind
from ..binding.bound import Bound
from ..diagnostics import Findings, did_you_mean
from ..source import Position, SourceFile, Span
from ..text.parse import decode, parse


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be read, and why; ``known`` are the names of files that stand where it was looked for."""

    reason: str
    known: tuple[str, ...] = ()


def beside(path: str, name: str) -> str:
    """Return the name of a file that ``path`` names from where it stands: both relative to the spec's folder."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def is_file_name(text: str) -> bool:
    """Return whether a prompt or an ask names a file beside the spec, rather than being the text itself."""
    return text.endswith(".j2") and "\n" not in text


@dataclass
class Sources:
    """Fills in rounds: the caller reads what `needed` names and hands it to `add`, until nothing is needed.

    All names are relative to the folder of ``main``, with forward slashes. ``policy`` is a library that the platform
    lays over the spec without being imported.
    """

    main: str
    policy: str | None = None
    findings: Findings = field(default_factory=Findings)
    files: dict[str, SourceFile] = field(default_factory=dict)
    bounds: dict[str, Bound] = field(default_factory=dict)
    unreadable: dict[str, Unreadable] = field(default_factory=dict)
    _wanted: dict[str, Span | None] = field(default_factory=dict)
    _specs: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name in (self.main, self.policy):
            if name is not None:
                self._want(name, None, spec=True)

    def needed(self) -> tuple[str, ...]:
        """Return the names of the files to read next, sorted."""
        return tuple(sorted(name for name in self._wanted if name not in self.files and name not in self.unreadable))

    def add(self, name: str, content: bytes | Unreadable) -> None:
        """Take in one file; what it names is needed next."""
        place = self._wanted.get(name)
        if isinstance(content, Unreadable):
            self._refuse(name, content, place)
            return
        source = decode(name, content, self.findings)
        if source is None:
            self.unreadable[name] = Unreadable("it is no text")
            return
        self.files[name] = source
        if name in self._specs:
            self._bind(source)

    def needed_specs(self) -> tuple[str, ...]:
        """Return the names of the files of the language that take part: the spec, its imports, the policy."""
        return tuple(sorted(self._specs))

    def libraries(self) -> tuple[Bound, ...]:
        """Return the files that the spec imports, also through others, in the order of importing; the policy last."""
        order: dict[str, None] = {}
        for name in self._imported(self.main, {self.main}):
            order.setdefault(name)
        if self.policy is not None and self.policy in self.bounds:
            order.setdefault(self.policy)
        return tuple(self.bounds[name] for name in order if name in self.bounds)

    def _imported(self, name: str, seen: set[str]) -> Iterator[str]:
        bound = self.bounds.get(name)
        for one in bound.spec.imports if bound else ():
            target = beside(name, one)
            if target not in seen:
                seen.add(target)
                yield target
                yield from self._imported(target, seen)

    def _want(self, name: str, place: Span | None, *, spec: bool = False) -> None:
        self._wanted.setdefault(name, place)
        if spec:
            self._specs.add(name)

    def _bind(self, source: SourceFile) -> None:
        tree = parse(source, self.findings)
        bound = bind(source, tree, self.findings) if tree is not None else None
        if bound is None:
            return
        self.bounds[source.path] = bound
        if source.path != self.main and not bound.is_library:
            place = self._wanted.get(source.path) or bound.key_span("name")
            help_ = "a library has no name, no flow and no job: move what is shared into one"
            self.findings.error("E311", f"{source.path} is a spec, and only libraries can be imported", place, help=help_)
        for index, name in enumerate(bound.spec.imports):
            target, place = beside(source.path, name), bound.span("imports", index)
            if target == self.main:
                self.findings.error(
                    "E311", f"{target} is the spec itself, and only libraries can be imported", place, help="a library is a file of its own"
                )
            else:
                self._want(target, place, spec=True)
        for path, text in prompt_texts(bound):
            if is_file_name(text):
                self._want(beside(source.path, text), bound.span(*path))

    def _refuse(self, name: str, why: Unreadable, place: Span | None) -> None:
        self.unreadable[name] = why
        start = Position(1, 1)
        here = place or Span(name, start, start)
        help_ = did_you_mean(name, why.known) or "paths are relative to the file that names them"
        code = "E801" if name not in self._specs else "E310"
        self.findings.error(code, f"{name} can't be read: {why.reason}", here, help=help_)


def prompt_texts(bound: Bound) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Yield (path, text or file name) for every prompt and ask that a file writes."""
    for name, agent in bound.spec.agents.items():
        if agent.prompt is not None:
            yield ("agents", name, "prompt"), agent.prompt
    for name, human in bound.spec.humans.items():
        yield ("humans", name, "ask"), human.ask
