"""Text into a syntax tree: bytes decoded, YAML 1.2 read, every way of being unreadable said clearly."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yaml.error import MarkedYAMLError
from yaml.events import Event
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from ..diagnostics import Findings
from ..source import Position, SourceFile, Span
from .compose import Composer, Unreadable
from .syntax import MappingNode, ScalarNode, SequenceNode, SyntaxNode
from .yamlerrors import explain

MAX_BYTES = 256 << 10
"""The largest file that is read: a hundred times what a long spec takes."""

_CONTROL = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BOM = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def decode(path: str, content: bytes, findings: Findings) -> SourceFile | None:
    """Return a file's bytes as text without its byte order mark; None, with a finding, where it is no text to read."""
    here = Span(path, Position(1, 1), Position(1, 1))
    if len(content) > MAX_BYTES:
        message = f"the file has {len(content):,} bytes; at most {MAX_BYTES:,} are read"
        findings.error("E101", message, here, help="is it a data file? a spec names its data: see datasets")
        return None
    if content.startswith(_UTF_16):
        findings.error("E102", "the file is UTF-16, not UTF-8", here, help="save it as UTF-8")
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        findings.error("E102", *_undecodable(path, content, error), help="a spec is a text file in UTF-8: is this the right file?")
        return None
    return SourceFile(path, text.removeprefix(_BOM))


def _undecodable(path: str, content: bytes, error: UnicodeDecodeError) -> tuple[str, Span]:
    before = SourceFile(path, content[: error.start].decode("utf-8"))
    end = len(before.text)
    return f"byte 0x{content[error.start]:02x} is not UTF-8", before.span(end, end)


def parse(source: SourceFile, findings: Findings) -> MappingNode | None:
    """Return the tree of a spec's text, or None where it can't be read; everything found wrong is in ``findings``."""
    if not _has_only_text(source, findings):
        return None
    before = len(findings.found)
    root = _compose(source, findings)
    if isinstance(root, MappingNode):
        return root
    if len(findings.found) == before:
        _no_mapping(source, root, findings)
    return None


def _no_mapping(source: SourceFile, root: SyntaxNode | None, findings: Findings) -> None:
    if root is None or _is_nothing(root):
        findings.error("E104", "the file is empty", source.span(0, 0), help="begin with: darner: 1, or run darner init")
        return
    what = "a list" if isinstance(root, SequenceNode) else "one value"
    findings.error("E201", f"a spec is a mapping, not {what}", root.span, help="begin with: darner: 1")


def _is_nothing(root: SyntaxNode) -> bool:
    return isinstance(root, ScalarNode) and root.raw[0] == root.raw[1]


def _has_only_text(source: SourceFile, findings: Findings) -> bool:
    found = _CONTROL.search(source.text)
    if found is None:
        return True
    span = source.span(found.start(), found.end())
    help_ = 'is this the right file? inside text, write it escaped in double quotes: "\\x07"'
    findings.error("E103", f"the character U+{ord(found[0]):04X} can't stand in a spec", span, help=help_)
    return False


def _compose(source: SourceFile, findings: Findings) -> SyntaxNode | None:
    try:
        return Composer(source, findings).compose(_events(source.text))
    except Unreadable:
        return None
    except MarkedYAMLError as error:
        explain(source, error, findings)
        return None


class _Events(Reader, Scanner, Parser):
    """The parser in Python, not libyaml's: its marks and messages are the same wherever darner is installed."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


def _events(text: str) -> Iterator[Event]:
    stream = _Events(text)
    while stream.check_event():
        yield stream.get_event()  # type: ignore[no-untyped-call] # the stubs of PyYAML don't say
