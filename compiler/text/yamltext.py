"""Plain values as canonical YAML: blocks for what is large, one line for what is small, quotes only where needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .scalars import NotCarried, resolve

WIDTH = 100
"""The longest line for a mapping or list to stand on one."""

_PLAIN = re.compile(r"[A-Za-z0-9_$./+-](?:[A-Za-z0-9_$./+%@() >|-]|:(?=[^\s,\[\]{}]))*")
_IN_BLOCK = re.compile(rf"{_PLAIN.pattern[:-2]}|[\[\],])*")
"""Outside of brackets a plain text may have brackets and commas in it, though not begin with them."""
_ODD_YAML_1_1 = re.compile(
    r"(?:y|n|yes|no|on|off|true|false|null|~)"
    r"|[-+]?[0-9][0-9_.]*(?:e[-+]?[0-9]+)?|[-+]?\.[0-9_.]+(?:e[-+]?[0-9]+)?|[-+]?0[xob][0-9a-f_]+|[-+]?[0-9]+(?::[0-9.]+)+|[0-9]{4}-[0-9]+-[0-9]+.*"
    r"|[-+]?\.(?:inf|nan)",
    re.IGNORECASE,
)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_BLOCK = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff][^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]*")


def write(value: Mapping[str, Any], *, spread: frozenset[str] = frozenset()) -> str:
    """Return a mapping as YAML text.

    Args:
        value: what ``json`` could write.
        spread: the top-level keys whose entries each stand on lines of their own, however small they are.
    """
    return "\n".join(_document(value, spread)) + "\n"


def _document(value: Mapping[str, Any], spread: frozenset[str]) -> Iterator[str]:
    for key, item in value.items():
        if key in spread and isinstance(item, Mapping) and item:
            yield f"{_scalar(key)}:"
            for name, entry in item.items():
                yield from _entry(name, entry, 2, open_=True)
        else:
            yield from _entry(key, item, 0)


def _entry(key: str, value: Any, indent: int, *, open_: bool = False) -> Iterator[str]:
    """Yield the lines of one ``key: value``; with ``open_`` a mapping is never written on one line."""
    head = f"{' ' * indent}{_scalar(key)}:"
    block = _literal(value, indent) if isinstance(value, str) and "\n" in value else None
    if block is not None:
        yield f"{head} {block[0]}"
        yield from block[1:]
        return
    line = f"{head} {_flow(value) if isinstance(value, Mapping | list) else _scalar(value, _IN_BLOCK)}"
    if not isinstance(value, Mapping | list) or not value or (not open_ and len(line) <= WIDTH and "\n" not in _longest(value)):
        yield line
    elif isinstance(value, Mapping):
        yield head
        for name, item in value.items():
            yield from _entry(name, item, indent + 2)
    else:
        yield head
        yield from (f"{' ' * (indent + 2)}- {_flow(item)}" for item in value)


def _longest(value: Any) -> str:
    """Return every text inside a value, joined, to see whether one of them has lines."""
    if isinstance(value, Mapping):
        return "".join(_longest(item) for item in value.values())
    if isinstance(value, list):
        return "".join(_longest(item) for item in value)
    return value if isinstance(value, str) else ""


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any, plain: re.Pattern[str] = _PLAIN) -> str:
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False)
    return value if _is_plain(value, plain) else _quoted(value)


def _is_plain(text: str, plain: re.Pattern[str]) -> bool:
    """Return whether a text can stand without quotes and is read as that text by YAML 1.2 and 1.1 alike."""
    if not plain.fullmatch(text) or text != text.strip() or text.startswith("-") or text in {"+", "."}:
        return False
    if _ODD_YAML_1_1.fullmatch(text):
        return False
    try:
        return resolve(text) == text
    except NotCarried:
        return False


def _quoted(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _literal(text: str, indent: int) -> list[str] | None:
    """Return a text of several lines as a ``|`` block, or None where only quotes carry it."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    if not _BLOCK.fullmatch(body) or any(line != line.rstrip() for line in body.split("\n")):
        return None
    mark = {0: "|-", 1: "|"}.get(ends)
    if mark is None:
        return None
    return [mark, *(f"{' ' * (indent + 2)}{line}" if line else "" for line in body.split("\n"))]
