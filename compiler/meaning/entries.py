"""Named entries of a spec, with `extends` followed and every key knowing where it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..binding.bound import Bound
from ..diagnostics import Findings, Label, did_you_mean
from ..frozen import Frozen
from ..source import Span
from ..spec import Agent, Dataset, Human, Model, Param, Resources, Spec, Tool
from ..text.syntax import Path

T_co = TypeVar("T_co", bound=Frozen, covariant=True)

SECTIONS = ("params", "models", "datasets", "resources", "tools", "agents", "humans")
CALLABLES = ("tools", "agents", "humans")
"""The sections that share one namespace."""


@dataclass(frozen=True)
class Entry(Generic[T_co]):
    """One entry: its value with `extends` followed, and for each key the file and the entry that wrote it."""

    section: str
    name: str
    value: T_co
    bound: Bound = field(repr=False)
    origins: Mapping[str, tuple[Bound, Path]] = field(repr=False)
    extends: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the entry stands in its own file."""
        return (self.section, self.name)

    @property
    def place(self) -> Span:
        """Where the entry's name stands."""
        return self.bound.key_span(*self.path)

    def span(self, key: str, *rest: str | int) -> Span:
        """Return where the value of a key (or below it) stands; the entry's name where it isn't written at all."""
        bound, path = self.origins.get(key, (self.bound, ()))
        return bound.span(*path, key, *rest) if path else self.place

    def key_span(self, key: str, *rest: str | int) -> Span:
        """Return where a key (or one below it) stands; the entry's name where it isn't written at all."""
        bound, path = self.origins.get(key, (self.bound, ()))
        return bound.key_span(*path, key, *rest) if path else self.place

    def home(self, key: str) -> str:
        """Return the file that wrote a key."""
        return self.origins.get(key, (self.bound, ()))[0].source.path


@dataclass(frozen=True)
class Namespace:
    """Every entry that a spec can name: its own, and what it imports."""

    params: Mapping[str, Entry[Param]]
    models: Mapping[str, Entry[Model]]
    datasets: Mapping[str, Entry[Dataset]]
    resources: Mapping[str, Entry[Resources]]
    tools: Mapping[str, Entry[Tool]]
    agents: Mapping[str, Entry[Agent]]
    humans: Mapping[str, Entry[Human]]

    def section(self, name: str) -> Mapping[str, Entry[Frozen]]:
        """Return one section by its name in the language."""
        found: Mapping[str, Entry[Frozen]] = getattr(self, name)
        return found

    def all(self) -> Iterator[Entry[Frozen]]:
        """Yield every entry, by section."""
        for name in SECTIONS:
            yield from self.section(name).values()

    def callables(self) -> dict[str, Entry[Frozen]]:
        """Return what a ``use`` without a colon, or ``calls``, can name."""
        return {name: entry for section in CALLABLES for name, entry in self.section(section).items()}


def gather(main: Bound, libraries: tuple[Bound, ...], findings: Findings) -> Namespace:
    """Return every entry of the spec and of what it imports; a name that is defined twice is reported."""
    sections: dict[str, Any] = {section: _section(section, (main, *libraries), findings) for section in SECTIONS}
    return Namespace(**sections)


def _section(section: str, files: tuple[Bound, ...], findings: Findings) -> dict[str, Entry[Frozen]]:
    owners: dict[str, Bound] = {}
    for bound in files:
        for name in _entries(bound.spec, section):
            first = owners.setdefault(name, bound)
            if first is not bound:
                _redefined(section, name, first, bound, findings)
    return {name: _follow(section, name, owners, findings) for name in owners}


def _entries(spec: Spec, section: str) -> Mapping[str, Frozen]:
    found: Mapping[str, Frozen] = getattr(spec, section)
    return found


def _redefined(section: str, name: str, first: Bound, second: Bound, findings: Findings) -> None:
    label = Label(second.key_span(section, name), "it is imported from here")
    help_ = "an imported name may be used, never redefined; give one of them another name, or use extends under a new name"
    findings.error("E303", f"{section}.{name} is defined twice", first.key_span(section, name), labels=[label], help=help_)


def _follow(section: str, name: str, owners: Mapping[str, Bound], findings: Findings) -> Entry[Frozen]:
    """Return an entry with the keys of what it extends, nearest first."""
    chain = _chain(section, name, owners, findings)
    value = _entries(owners[chain[-1]].spec, section)[chain[-1]]
    origins: dict[str, tuple[Bound, Path]] = {}
    for one in reversed(chain):
        bound = owners[one]
        own = _entries(bound.spec, section)[one]
        keys = own.model_fields_set
        value = value.model_copy(update={key: getattr(own, key) for key in keys})
        origins.update({_written(own, key): (bound, (section, one)) for key in keys})
    return Entry(section, name, value, owners[name], origins, tuple(chain[1:]))


def _written(value: Frozen, key: str) -> str:
    return type(value).model_fields[key].alias or key


def _chain(section: str, name: str, owners: Mapping[str, Bound], findings: Findings) -> list[str]:
    chain = [name]
    while True:
        bound = owners[chain[-1]]
        parent: str | None = getattr(_entries(bound.spec, section)[chain[-1]], "extends", None)
        if parent is None:
            return chain
        place = bound.span(section, chain[-1], "extends")
        if parent not in owners:
            if len(chain) == 1:
                findings.error("E301", f"{section} has no {parent!r}", place, help=did_you_mean(parent, set(owners) - {name}))
            return chain
        if parent in chain:
            if parent == name:
                findings.error("E306", f"{' extends '.join([*chain, parent])}: a circle", place, help="let one of them stand alone")
            return chain
        chain.append(parent)
