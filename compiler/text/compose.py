"""YAML events into the syntax tree: keys checked, aliases followed within bounds, places kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NoReturn

from yaml import events as yaml_events

from ..diagnostics import ENOUGH, Findings, Label
from ..source import SourceFile, Span
from .keys import Keys
from .scalars import NotCarried, resolve
from .syntax import Entry, MappingNode, ScalarNode, SequenceNode, Style, SyntaxNode

MAX_DEPTH = 64
MAX_ALIASED = 10_000
"""Nodes that aliases may add to a file in all: far more than a person writes, far less than an alias bomb."""

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s*(?:#[^\r\n]*\s*)*)+")
"""What may stand before a value: an anchor, a tag. The parser's mark of a value includes them."""
_STYLES: dict[str | None, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}


class Unreadable(Exception):
    """Reading can't go on; the finding is already written."""


@dataclass(slots=True)
class _Open:
    """A collection whose end was not seen yet; for a mapping ``children`` alternate between key and value."""

    event: yaml_events.MappingStartEvent | yaml_events.SequenceStartEvent
    children: list[SyntaxNode] = field(default_factory=list)


class Composer:
    """Builds the tree of one document, without recursion: a file's depth is a count, not a stack of calls."""

    def __init__(self, source: SourceFile, findings: Findings) -> None:
        self._source = source
        self._findings = findings
        self._keys = Keys(source, findings)
        self._open: list[_Open] = []
        self._anchors: dict[str, SyntaxNode] = {}
        self._anchor_places: dict[str, Span] = {}
        self._aliased = 0
        self._root: SyntaxNode | None = None
        self._root_span: Span | None = None

    def compose(self, events: Iterable[yaml_events.Event]) -> SyntaxNode | None:
        """Return the tree of the only document, or None where the text has none; `Unreadable` where it must stop."""
        before = len(self._findings.found)
        for event in events:
            self._take(event)
            if len(self._findings.found) - before >= ENOUGH:
                raise Unreadable
        return self._root

    def _take(self, event: yaml_events.Event) -> None:
        match event:
            case yaml_events.DocumentStartEvent():
                self._start_document(event)
            case yaml_events.ScalarEvent():
                self._add(event, self._scalar(event))
            case yaml_events.AliasEvent():
                self._add(event, self._alias(event))
            case yaml_events.MappingStartEvent() | yaml_events.SequenceStartEvent():
                self._start(event)
            case yaml_events.MappingEndEvent() | yaml_events.SequenceEndEvent():
                self._end(event)
            case _:
                pass

    def _span(self, event: yaml_events.Event) -> Span:
        return self._source.span(*_offsets(event))

    def _begin(self, event: yaml_events.NodeEvent) -> int:
        """Return the offset where a value itself begins."""
        start, end = _offsets(event)
        if event.anchor is None and getattr(event, "tag", None) is None:
            return start
        found = _PROPERTIES.match(self._source.text, start, end)
        return found.end() if found else start

    def _start_document(self, event: yaml_events.DocumentStartEvent) -> None:
        if self._root_span is not None:
            first = Label(self._root_span, "the first one")
            help_ = "one file holds one spec: move the second one to a file of its own"
            self._findings.error("E107", "a second document starts here", self._span(event), labels=[first], help=help_)
            raise Unreadable
        self._root_span = self._span(event)
        version: tuple[int, int] | None = event.version
        if event.tags or version not in {None, (1, 2)}:
            help_ = "remove the line that starts with %"
            self._findings.error("E117", "darner reads YAML 1.2 without directives", self._span(event), help=help_)

    def _start(self, event: yaml_events.MappingStartEvent | yaml_events.SequenceStartEvent) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._too_deep(self._source.span(_offsets(event)[0], _offsets(event)[0] + 1))
        self._check_tag(event)
        self._announce(event)
        self._open.append(_Open(event))

    def _too_deep(self, place: Span) -> NoReturn:
        self._findings.error("E114", f"more than {MAX_DEPTH} levels deep", place, help="a spec needs about ten levels; flatten this")
        raise Unreadable

    def _end(self, event: yaml_events.Event) -> None:
        one = self._open.pop()
        span = self._collection_span(one, event)
        self._add(
            one.event,
            self._keys.mapping(one.children, span)
            if isinstance(one.event, yaml_events.MappingStartEvent)
            else self._keys.sequence(one.children, span),
        )

    def _collection_span(self, one: _Open, end: yaml_events.Event) -> Span:
        """A block collection ends with its last value: the parser's own mark is after the comments that follow."""
        begin = self._begin(one.event)
        if one.event.flow_style or not one.children:
            return self._source.span(begin, max(_offsets(end)[1], begin))
        start = self._source.position(begin)
        return Span(self._source.path, start, max(start, one.children[-1].span.end))

    def _add(self, event: yaml_events.NodeEvent, node: SyntaxNode) -> None:
        """Put a finished node where it belongs."""
        if not isinstance(event, yaml_events.AliasEvent) and event.anchor is not None:
            self._anchors[event.anchor] = node
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node

    # ── scalars ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _scalar(self, event: yaml_events.ScalarEvent) -> ScalarNode:
        self._announce(event)
        style = _STYLES.get(event.style, "plain")
        raw = (self._begin(event), _offsets(event)[1])
        span = self._block_span(*raw) if style in {"literal", "folded"} else self._source.span(*raw)
        node = ScalarNode(event.value, span, style, raw)
        if self._check_tag(event):
            return replace(node, broken=True)
        return self._plain(node, event.value) if style == "plain" else self._quoted(node, event.value)

    def _plain(self, node: ScalarNode, text: str) -> ScalarNode:
        try:
            return replace(node, value=resolve(text))
        except NotCarried:
            message = f"{text[:40]} is a number that can't be carried: 64 bits at most, no infinity, no NaN"
            self._findings.error("E116", message, node.span, help="write a smaller number, or quote it where text is meant")
            return replace(node, value=None, broken=True)

    def _quoted(self, node: ScalarNode, text: str) -> ScalarNode:
        if text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text):
            return node
        self._findings.error(
            "E118", "half of a surrogate pair is no character", node.span, help=r'write the character itself, or "\UXXXXXXXX"'
        )
        return replace(node, value=None, broken=True)

    def _block_span(self, start: int, end: int) -> Span:
        """Return where a block scalar's text stands, without the ``|`` and the empty lines around it."""
        text = self._source.text
        header_end = start
        while header_end < end and text[header_end] not in "\r\n":
            header_end += 1
        body = text[header_end:end]
        if not body.strip():
            return self._source.span(start, header_end)
        first = header_end + len(body) - len(body.lstrip())
        return self._source.span(first, header_end + len(body.rstrip()))

    # ── tags, anchors, aliases ───────────────────────────────────────────────────────────────────────────────────

    def _check_tag(self, event: yaml_events.NodeEvent) -> bool:
        tag: str | None = getattr(event, "tag", None)
        if tag is None:
            return False
        start = max(self._source.text.find("!", *_offsets(event)), _offsets(event)[0])
        end = start
        while end < len(self._source.text) and not self._source.text[end].isspace():
            end += 1
        help_ = "write the value without it; to have text, quote it"
        self._findings.error("E111", "there are no tags", self._source.span(start, max(end, start + 1)), help=help_)
        return True

    def _announce(self, event: yaml_events.NodeEvent) -> None:
        """Note where an anchor is written, and refuse a second one of that name."""
        name: str | None = event.anchor
        if name is None:
            return
        place = self._source.span(_offsets(event)[0], _offsets(event)[0] + len(name) + 1)
        before = self._anchor_places.setdefault(name, place)
        if before is not place:
            labels = [Label(before, "the first one")]
            self._findings.error("E119", f"the anchor &{name} is written twice", place, labels=labels, help="give one of them another name")

    def _alias(self, event: yaml_events.AliasEvent) -> SyntaxNode:
        name = event.anchor or ""
        place = self._span(event)
        target = self._anchors.get(name)
        if target is None:
            self._findings.error(
                "E112", self._no_anchor(name), place, help="write the value itself, or &name before the value that is meant"
            )
            return ScalarNode(None, place, "plain", _offsets(event), broken=True)
        return self._moved(target, place, len(self._open))

    def _no_anchor(self, name: str) -> str:
        if name in self._anchor_places:
            return f"*{name} stands inside its own anchor"
        return f"*{name} points at no anchor before it"

    def _moved(self, node: SyntaxNode, place: Span, depth: int) -> SyntaxNode:
        """Return a copy of an anchor's node that stands at its alias; what was reported at the anchor stays quiet."""
        self._count_copy(place, depth)
        origin = node.origin or node.span
        match node:
            case ScalarNode():
                return replace(node, span=place, origin=origin)
            case SequenceNode():
                items = tuple(self._moved(item, place, depth + 1) for item in node.items)
                return replace(node, items=items, span=place, origin=origin)
            case MappingNode():
                entries = tuple(Entry(one.name, place, self._moved(one.value, place, depth + 1)) for one in node.entries)
                return replace(node, entries=entries, span=place, origin=origin)

    def _count_copy(self, place: Span, depth: int) -> None:
        self._aliased += 1
        if self._aliased > MAX_ALIASED:
            message = f"aliases would add more than {MAX_ALIASED:,} values to this file"
            self._findings.error("E113", message, place, help="use extends, or write a Python function that builds the value")
            raise Unreadable
        if depth > MAX_DEPTH:
            self._too_deep(place)


def _offsets(event: yaml_events.Event) -> tuple[int, int]:
    """Return where an event begins and ends in the text; what was left out begins and ends at one place."""
    start = event.start_mark.index if event.start_mark else 0
    return start, max(event.end_mark.index if event.end_mark else start, start)
