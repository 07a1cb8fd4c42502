"""A spec with its places: what a file says as models, and where each word of it stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..source import SourceFile, Span
from ..spec import Spec
from ..text.inside import InsideText
from ..text.syntax import MappingNode, Path, ScalarNode, SyntaxNode, child, descend


@dataclass(frozen=True)
class Bound:
    """One file of the language after binding. A path is the keys and indexes as they are written: ``("job", "stages", 0, "with")``."""

    spec: Spec
    tree: MappingNode = field(repr=False)
    source: SourceFile = field(repr=False)

    @property
    def is_library(self) -> bool:
        """Whether the file only defines things for others: it has no name, no flow and no job."""
        return self.spec.name is None and self.spec.flow is None and self.spec.job is None

    def node(self, *path: str | int) -> SyntaxNode | None:
        """Return what is written at ``path``, or None."""
        return descend(self.tree, path)

    def span(self, *path: str | int) -> Span:
        """Return where the value at ``path`` stands; where it is not written, what would hold it."""
        found: SyntaxNode = self.tree
        for index, piece in enumerate(path):
            inner = child(found, piece)
            if inner is None:
                return handle(self.tree, path[:index])
            found = inner
        return found.span

    def key_span(self, *path: str | int) -> Span:
        """Return where the last key of ``path`` stands; for an entry of a list, the entry itself."""
        holder = descend(self.tree, path[:-1])
        entry = holder.entry(str(path[-1])) if path and isinstance(holder, MappingNode) else None
        return entry.key if entry else handle(self.tree, path)

    def inside(self, *path: str | int) -> InsideText | None:
        """Return the text at ``path`` with the place of each of its characters, or None where no text is written."""
        node = descend(self.tree, path)
        return InsideText(self.source, node) if isinstance(node, ScalarNode) and isinstance(node.value, str) else None


def handle(tree: SyntaxNode, path: Path) -> Span:
    """Return a short place that stands for the value at ``path``: itself on one line, else its key, else its first key.

    Where nothing is written at ``path``, the place of the nearest value around it.
    """
    node, key = tree, None
    for piece in path:
        inner = child(node, piece)
        if inner is None:
            break
        entry = node.entry(str(piece)) if isinstance(node, MappingNode) else None
        node, key = inner, entry.key if entry else None
    if node.span.start.line == node.span.end.line:
        return node.span
    if key is not None:
        return key
    return node.entries[0].key if isinstance(node, MappingNode) and node.entries else Span(node.span.path, node.span.start, node.span.start)
