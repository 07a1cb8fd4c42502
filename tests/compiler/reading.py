"""One file of the language, read as the compiler reads it, for tests."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from darner.compiler.binding.bind import bind
from darner.compiler.binding.bound import Bound
from darner.compiler.diagnostics import Diagnostic, Findings
from darner.compiler.source import SourceFile
from darner.compiler.telling.render import as_text
from darner.compiler.text.parse import decode, parse
from darner.compiler.text.syntax import MappingNode, to_value

MINIMAL = "darner: 1\nname: a\nflow: {steps: {s: {use: m:f}}, outputs: $s}\n"


@dataclass(frozen=True)
class Reading:
    """What came out of one file."""

    source: SourceFile | None
    tree: MappingNode | None
    bound: Bound | None
    found: tuple[Diagnostic, ...]

    @property
    def codes(self) -> list[str]:
        """The codes of the findings, by place."""
        return [one.code for one in self.found]

    @property
    def places(self) -> list[str]:
        """The findings as ``code line:column``."""
        return [f"{one.code} {one.span.start.line}:{one.span.start.column}" for one in self.found]

    @property
    def text(self) -> str:
        """The findings as people see them."""
        return as_text(self.found, {self.source.path: self.source} if self.source else {})

    @property
    def value(self) -> object:
        """The tree as plain values."""
        assert self.tree is not None, self.text
        return to_value(self.tree)

    def marked(self, index: int = 0) -> str:
        """Return the piece of the file that a finding is about."""
        assert self.source is not None
        span = self.found[index].span
        return self.source.text[self.source.offset(span.start) : self.source.offset(span.end)]


def read(content: str | bytes, path: str = "spec.yaml") -> Reading:
    """Return what the front of the compiler makes of one file; text may be indented."""
    raw = textwrap.dedent(content).encode() if isinstance(content, str) else content
    findings = Findings()
    source = decode(path, raw, findings)
    tree = parse(source, findings) if source else None
    bound = bind(source, tree, findings) if source and tree else None
    return Reading(source, tree, bound, findings.ordered())


def parsed(content: str | bytes) -> Reading:
    """Return what the parser alone makes of one file."""
    raw = textwrap.dedent(content).encode() if isinstance(content, str) else content
    findings = Findings()
    source = decode("spec.yaml", raw, findings)
    tree = parse(source, findings) if source else None
    return Reading(source, tree, None, findings.ordered())
