"""How each kind of misfit between a text and the language is told to people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..diagnostics import Findings, Label, closest
from ..source import Span
from ..spec import CALLABLE_PATTERN, NAME_PATTERN
from ..text.syntax import MappingNode, Path, ScalarNode, SequenceNode, SyntaxNode, descend
from .bound import handle
from .shapes import Place, choices, expected, keys
from .words import Word, example, word

_LONGEST = 40
_YES = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One error of the validator, its kind in the validator's words, and the place that it means."""

    tree: MappingNode
    place: Place
    kind: str
    message: str
    details: Mapping[str, Any]

    @property
    def node(self) -> SyntaxNode | None:
        """What is written at the place."""
        return descend(self.tree, self.place.path)

    @property
    def name(self) -> str:
        """The last key of the place."""
        return str(self.place.path[-1]) if self.place.path else ""

    @property
    def at(self) -> str:
        """The place as people name it: ``tools.search.effects``."""
        return dotted(self.place)

    @property
    def owner(self) -> str:
        """The name of the model that the place's field belongs to."""
        return self.place.owner.__name__ if self.place.owner else ""

    @property
    def word(self) -> Word | None:
        """What is known of the place's field."""
        return word(self.owner, self.place.field)

    def span(self) -> Span:
        """Where the value stands, or the key where the misfit is about the key."""
        return self.key() if self.place.is_key else handle(self.tree, self.place.path)

    def key(self) -> Span:
        """Where the place's last key stands."""
        holder = descend(self.tree, self.place.path[:-1])
        entry = holder.entry(self.name) if isinstance(holder, MappingNode) else None
        return entry.key if entry else handle(self.tree, self.place.path)


def dotted(place: Place) -> str:
    """Return a place as people name it."""
    return ".".join(map(str, place.path))


def shown(node: SyntaxNode | None) -> str:
    """Return a value as a sentence can carry it."""
    match node:
        case ScalarNode(value=str() as text):
            short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
            return f"the text {short!r}"
        case ScalarNode(value=bool() as truth):
            return str(truth).lower()
        case ScalarNode(value=None):
            return "null"
        case ScalarNode():
            return str(node.value)
        case SequenceNode():
            return "a list"
        case _:
            return "a mapping"


def misspelling(misfit: Misfit) -> list[Path]:
    """Return the paths of the keys that an unknown key was probably meant to be."""
    if misfit.kind != "extra_forbidden":
        return []
    close = difflib.get_close_matches(misfit.name, keys(misfit.place.owner), n=1)
    return [(*misfit.place.path[:-1], name) for name in close]


def tell(misfit: Misfit, findings: Findings) -> None:
    """Write one misfit to ``findings``."""
    _TELLERS.get(misfit.kind, _wrong_type)(misfit, findings)


def _unknown_key(misfit: Misfit, findings: Findings) -> None:
    known = keys(misfit.place.owner)
    holder = dotted(Place(misfit.place.path[:-1], None))
    message = f"{holder} has no key {misfit.name!r}" if holder else f"there is no section {misfit.name!r}"
    help_ = closest(misfit.name, known) or f"known here: {', '.join(known)}"
    findings.error("E202", message, misfit.key(), help=help_, labels=_written_at(misfit))


def _missing_key(misfit: Misfit, findings: Findings) -> None:
    holder = dotted(Place(misfit.place.path[:-1], None)) or "the file"
    meaning = f" ({misfit.word.meaning})" if misfit.word else ""
    line = example(misfit.owner, misfit.name) or misfit.name
    span = handle(misfit.tree, misfit.place.path[:-1])
    findings.error("E203", f"{holder} has no {misfit.name!r}{meaning}", span, help=f"add it, like {line}")


def _no_choice(misfit: Misfit, findings: Findings) -> None:
    known = choices(misfit.place.annotation)
    if misfit.place.is_key:
        message = f"{misfit.name!r} can't be a key here; it must be one of {', '.join(known)}"
        findings.error("E205", message, misfit.span(), help=closest(misfit.name, known))
        return
    node = misfit.node
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or expected(misfit.place.annotation).count(" or "):
        _wrong_type(misfit, findings)
        return
    message = f"{misfit.at} can't be {node.value!r}; it must be {expected(misfit.place.annotation)}"
    findings.error("E205", message, misfit.span(), help=closest(node.value, known), labels=_written_at(misfit))


def _wrong_type(misfit: Misfit, findings: Findings) -> None:
    message = f"{misfit.at} must be {expected(misfit.place.annotation)}, not {shown(misfit.node)}"
    findings.error("E204", message, misfit.span(), help=_repair(misfit), labels=_written_at(misfit))


def _repair(misfit: Misfit) -> str:
    """Return what to write instead of a value of the wrong type."""
    node, wanted = misfit.node, expected(misfit.place.annotation)
    if isinstance(node, ScalarNode) and node.style == "plain" and node.value is not None:
        text = str(node.value)
        if wanted == "true or false" and text.lower() in _YES:
            return f"YAML 1.2 reads {text} as text: write {_YES[text.lower()]}"
        if wanted == "text":
            return f'quote it: "{text.lower() if isinstance(node.value, bool) else text}"'
        if wanted == "a list":
            return f"write it as a list: [{text}]"
    if isinstance(node, ScalarNode) and node.style != "plain" and wanted.endswith(("number", "false")):
        return "write it without quotes"
    return f"write it like {example(misfit.owner, misfit.place.field) or wanted}"


def _wrong_quantity(misfit: Misfit, findings: Findings) -> None:
    findings.error("E206", f"{misfit.at}: {misfit.message}", misfit.span(), labels=_written_at(misfit))


def _wrong_pattern(misfit: Misfit, findings: Findings) -> None:
    text = misfit.name if misfit.place.is_key or not isinstance(misfit.node, ScalarNode) else str(misfit.node.value)
    if misfit.details.get("pattern") == CALLABLE_PATTERN:
        help_ = "a callable is written module.path:attr, like shop.steps:rank"
        findings.error("E207", f"{text!r} doesn't name a callable", misfit.span(), help=help_)
        return
    suggestion = re.sub(r"[^A-Za-z0-9_]", "_", text)
    better = f"; {suggestion!r} would do" if re.fullmatch(NAME_PATTERN, suggestion) else ""
    help_ = f"a name has letters, digits and _ and begins with no digit{better}"
    findings.error("E207", f"{text!r} can't be a name", misfit.span(), help=help_)


def _out_of_range(misfit: Misfit, findings: Findings) -> None:
    bound = next((f"{sign} {misfit.details[name]:g}" for name, sign in _BOUNDS.items() if name in misfit.details), "within its bounds")
    findings.error("E208", f"{misfit.at} must be {bound}, not {shown(misfit.node)}", misfit.span(), labels=_written_at(misfit))


def _too_short(misfit: Misfit, findings: Findings) -> None:
    line = example(misfit.owner, misfit.place.field)
    help_ = f"write it like {line}" if line else "write at least one entry"
    findings.error("E209", f"{misfit.at} must not be empty", misfit.span(), help=help_)


def _written_at(misfit: Misfit) -> tuple[Label, ...]:
    """Return the place where a value that came through an alias is really written."""
    node = misfit.node
    return (Label(node.origin, "the value is written here"),) if node is not None and node.origin is not None else ()


_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}

_TELLERS: Mapping[str, Callable[[Misfit, Findings], None]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing_key,
    "literal_error": _no_choice,
    "quantity": _wrong_quantity,
    "string_pattern_mismatch": _wrong_pattern,
    "greater_than_equal": _out_of_range,
    "greater_than": _out_of_range,
    "less_than_equal": _out_of_range,
    "less_than": _out_of_range,
    "too_short": _too_short,
    "string_too_short": _too_short,
}
