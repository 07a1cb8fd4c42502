"""Keys and entries of collections: each key a text, each once, each with a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from ..diagnostics import ENOUGH, Findings, Label
from ..source import SourceFile, Span
from .syntax import Entry, MappingNode, ScalarNode, SequenceNode, SyntaxNode


@dataclass(frozen=True, slots=True)
class Keys:
    """Makes mappings and lists of one file from what stands in them; what is wrong with it is reported, and left out."""

    source: SourceFile
    findings: Findings

    def mapping(self, children: Sequence[SyntaxNode], span: Span) -> MappingNode:
        """Return a mapping from keys and values in turn."""
        entries: dict[str, Entry] = {}
        broken = False
        enough = len(self.findings.found) + ENOUGH
        for key, value in zip(children[::2], children[1::2], strict=True):
            if len(self.findings.found) >= enough:
                break
            name = self._name(key)
            if name is None or not self._is_new(name, key.span, entries):
                broken = True
            else:
                entries[name] = Entry(name, key.span, self._filled(repr(name), key.span, value))
        return MappingNode(tuple(entries.values()), span, broken=broken)

    def sequence(self, children: Sequence[SyntaxNode], span: Span) -> SequenceNode:
        """Return a list from its entries."""
        if sum(map(_is_empty, children)) > ENOUGH:
            children = [one for one in children if _is_empty(one)][:ENOUGH]
        return SequenceNode(tuple(self._filled("an entry of this list", one.span, one) for one in children), span)

    def _name(self, key: SyntaxNode) -> str | None:
        match key:
            case ScalarNode(broken=True):
                return None
            case ScalarNode(value="<<", style="plain"):
                help_ = "use extends: it names an entry of the same section whose keys are copied"
                self.findings.error("E110", "there are no merge keys", key.span, help=help_)
                return None
            case ScalarNode(value=str() as name):
                return name
            case MappingNode():
                self._template(key)
                return None
            case _:
                self.findings.error("E109", "a key must be text", key.span, help=f"{_repair(key)}, or remove it")
                return None

    def _template(self, key: MappingNode) -> None:
        """A mapping as key is nearly always a template without quotes; what was found inside it is beside the point."""
        inside = [one for one in self.findings.found if one.span.path == key.span.path and key.span.start <= one.span.start < key.span.end]
        self.findings.found[:] = [one for one in self.findings.found if one not in inside]
        written = self.source.text[self.source.offset(key.span.start) : self.source.offset(key.span.end)]
        short = f'"{{{written}}}"' if "\n" not in written and '"' not in written else '"{{ name }}"'
        self.findings.error("E109", "a key must be text, not a mapping", key.span, help=f"a template is quoted: {short}")

    def _is_new(self, name: str, place: Span, entries: dict[str, Entry]) -> bool:
        before = entries.get(name)
        if before is None:
            return True
        first = Label(before.key, "written here first")
        self.findings.error("E108", f"{name!r} is written twice", place, labels=[first], help="keep one of the two, or join them")
        return False

    def _filled(self, what: str, place: Span, value: SyntaxNode) -> SyntaxNode:
        """An empty value is nearly always an accident, and null would be read in silence."""
        if not _is_empty(value):
            return value
        help_ = "write a value, or remove it; where nothing is meant, write null"
        self.findings.error("E115", f"{what} has no value", place, help=help_)
        return replace(value, span=place, broken=True)


def _is_empty(value: SyntaxNode) -> TypeGuard[ScalarNode]:
    return isinstance(value, ScalarNode) and not value.broken and value.raw[0] == value.raw[1] and value.origin is None


def _repair(key: SyntaxNode) -> str:
    if isinstance(key, ScalarNode) and key.value is not None:
        return f'quote it: "{str(key.value).lower()}"'
    return "write a name"
