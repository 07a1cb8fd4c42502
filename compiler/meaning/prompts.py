"""What a prompt's template names: variables and their fields, with the place of each, found without rendering."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..diagnostics import did_you_mean
from ..types import AnyType, DictType, ListType, Records, ScalarType, Type
from .assign import required
from .follow import Astray, follow

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

WHOLE = "input"
"""The variable that holds an input without fields, such as ``input: str``."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong in a template, with the offsets (from 0) of the text that it is about."""

    code: str
    message: str
    start: int
    end: int
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a template names: its free variables in the order of the alphabet, and what is wrong with it."""

    variables: tuple[str, ...] = ()
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mention:
    """One ``a.b.0`` in a template's text."""

    line: int
    path: tuple[str | int, ...]
    places: tuple[tuple[int, int], ...]
    """Where each piece of the path starts and ends."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment as Jinja  # noqa: PLC0415 - only specs with prompts pay for it

    return Jinja(autoescape=False, keep_trailing_newline=True)  # noqa: S701 - nothing is rendered here


def read_prompt(text: str, variables: Mapping[str, Type] | None, records: Records) -> Reading:
    """Return what a template names; with ``variables``, each name and field is compared with them."""
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 - likewise

    try:
        mentions = list(_mentions(text))
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        return Reading(flaws=(_syntax_flaw(text, error.lineno, error.message or "it can't be read"),))
    walk = _Walk(mentions, variables, records)
    walk.body(tree.body, {})
    return Reading(tuple(sorted(walk.free)), tuple(dict.fromkeys(walk.flaws)))


def _syntax_flaw(text: str, line: int, message: str) -> Flaw:
    lines = text.splitlines(keepends=True) or [""]
    index = min(max(line, 1), len(lines)) - 1
    start = sum(map(len, lines[:index]))
    shown = lines[index].strip()
    start += len(lines[index]) - len(lines[index].lstrip())
    return Flaw("E802", f"this is no Jinja template: {message}", start, start + len(shown), "look at its {{ }} and {% %}")


def _mentions(text: str) -> Iterator[_Mention]:
    """Yield every dotted name between the template's braces, with its place."""
    tokens = list(_placed(text))
    index = 0
    while index < len(tokens):
        start, line, kind, value = tokens[index]
        before = tokens[index - 1][3] if index else ""
        index += 1
        if kind != "name" or before == ".":
            continue
        if before == "|":
            yield _Mention(line, ("|", value), ((start, start), (start, start + len(value))))
            continue
        path: list[str | int] = [value]
        places = [(start, start + len(value))]
        while (more := _piece(tokens, index)) is not None:
            piece, index, place = more
            path.append(piece)
            places.append(place)
        yield _Mention(line, tuple(path), tuple(places))


def _placed(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (offset, line, kind, text) for the tokens inside braces, without white space."""
    offset = 0
    for line, kind, value in _environment().lex(text):
        if kind not in {"data", "whitespace", "comment_begin", "comment", "comment_end"}:
            yield offset, line, kind, value
        offset += len(value)


Token = tuple[int, int, str, str]


def _piece(tokens: list[Token], index: int) -> tuple[str | int, int, tuple[int, int]] | None:
    """Return (piece, next index, its place) where ``.name``, ``.0``, ``[0]`` or ``["name"]`` follows."""
    words = [token[3] for token in tokens[index : index + 3]]
    if words[:1] == ["."] and len(words) > 1 and tokens[index + 1][2] in {"name", "integer"}:
        start, _, kind, value = tokens[index + 1]
        return (int(value) if kind == "integer" else value), index + 2, (start, start + len(value))
    if words[:1] == ["["] and words[2:] == ["]"] and tokens[index + 1][2] in {"string", "integer"}:
        start, _, kind, value = tokens[index + 1]
        return (int(value) if kind == "integer" else value[1:-1]), index + 3, (start, start + len(value))
    return None


Scope = Mapping[str, Type]


@dataclass
class _Walk:
    """Goes through a template with the names that are known at each place."""

    mentions: list[_Mention]
    variables: Mapping[str, Type] | None
    records: Records
    free: set[str] = field(default_factory=set)
    flaws: list[Flaw] = field(default_factory=list)

    def body(self, parts: list[nodes.Node], scope: Scope) -> None:
        """Read statements in order; ``set`` reaches those that follow."""
        known = dict(scope)
        for part in parts:
            known.update(self._statement(part, known))

    def _statement(self, node: nodes.Node, scope: Scope) -> Scope:
        from jinja2 import nodes as jinja  # noqa: PLC0415 - likewise

        match node:
            case jinja.For():
                self._loop(node, scope)
            case jinja.If():
                self._type(node.test, scope)
                self.body(node.body, scope)
                self.body([*node.elif_], scope)
                self.body(node.else_, scope)
            case jinja.Assign():
                return dict.fromkeys(_targets(node.target), self._type(node.node, scope))
            case jinja.AssignBlock():
                self.body(node.body, scope)
                return dict.fromkeys(_targets(node.target), AnyType())
            case jinja.With():
                given = [self._type(value, scope) for value in node.values]
                names = {name: type_ for target, type_ in zip(node.targets, given, strict=True) for name in _targets(target)}
                self.body(node.body, {**scope, **names})
            case jinja.Macro():
                self.body(node.body, {**scope, **{argument.name: AnyType() for argument in node.args}, "caller": AnyType()})
                return {node.name: AnyType()}
            case jinja.Include() | jinja.Import() | jinja.FromImport() | jinja.Extends() | jinja.Block():
                self._refuse(node)
            case _:
                for inner in node.iter_child_nodes():
                    self._statement(inner, scope) if isinstance(inner, jinja.Stmt) else self._type(inner, scope)
        return {}

    def _loop(self, node: nodes.For, scope: Scope) -> None:
        over = required(self._type(node.iter, scope))
        names = _targets(node.target)
        item: Type = over.item if isinstance(over, ListType) and len(names) == 1 else AnyType()
        item = ScalarType(name="str") if isinstance(over, DictType) and len(names) == 1 else item
        inner = {**scope, **dict.fromkeys(names, item), "loop": AnyType()}
        if node.test is not None:
            self._type(node.test, inner)
        self.body(node.body, inner)
        self.body(node.else_, scope)

    def _type(self, node: nodes.Node, scope: Scope) -> Type:
        """Return the type of an expression, ``Any`` where that isn't known, and look at every name in it."""
        from jinja2 import nodes as jinja  # noqa: PLC0415 - likewise

        chain = _chain(node)
        if chain is not None:
            return self._mention(chain, node.lineno, scope)
        if isinstance(node, jinja.Call) and isinstance(node.node, jinja.Getattr):
            self._method(node.node, scope)
            for argument in (*node.args, *node.kwargs):
                self._type(argument, scope)
            return AnyType()
        if isinstance(node, jinja.Filter) and node.name not in _environment().filters:
            self._no_filter(node)
        found: Type = AnyType()
        for inner in node.iter_child_nodes():
            read = self._type(inner, scope)
            found = read if isinstance(node, jinja.Filter) and node.name in _KEEPING and inner is node.node else found
        return found

    def _method(self, node: nodes.Getattr, scope: Scope) -> None:
        """Read ``text.upper()``: what stands before the method is a value, the method itself is Python's."""
        found = required(self._type(node.node, scope))
        owner: Any = str if found == ScalarType(name="str") else None
        owner = dict if isinstance(found, DictType) else list if isinstance(found, ListType) else owner
        if owner is not None and not hasattr(owner, node.attr):
            known = [name for name in dir(owner) if not name.startswith("_")]
            self._flaw("E804", f"a {owner.__name__} has no method {node.attr}", node.lineno, (node.attr,), did_you_mean(node.attr, known))

    def _mention(self, chain: tuple[str | int, ...], line: int, scope: Scope) -> Type:
        root = str(chain[0])
        if root in scope:
            return self._follow(scope[root], chain, line)
        if root in _environment().globals and (self.variables is None or root not in self.variables):
            return AnyType()
        self.free.add(root)
        if self.variables is None:
            return AnyType()
        if root not in self.variables:
            self._flaw("E803", f"the prompt has no variable {root}", line, chain[:1], did_you_mean(root, self.variables))
            return AnyType()
        return self._follow(self.variables[root], chain, line)

    def _follow(self, type_: Type, chain: tuple[str | int, ...], line: int) -> Type:
        found = follow(type_, chain[1:], self.records)
        if isinstance(found, Astray):
            self._flaw("E804", found.message, line, chain[: found.at + 2], found.help)
            return AnyType()
        return found

    def _flaw(self, code: str, message: str, line: int, chain: tuple[str | int, ...], help_: str | None) -> None:
        start, end = self._place(line, chain)
        self.flaws.append(Flaw(code, message, start, end, help_))

    def _place(self, line: int, chain: tuple[str | int, ...]) -> tuple[int, int]:
        """Return the offsets of a mention's last piece: on its line, or on the first one after it."""
        size = len(chain)
        fitting = [one for one in self.mentions if one.path[:size] == chain and one.line >= line]
        if fitting:
            return fitting[0].places[size - 1]
        ends = [place for one in self.mentions for piece, place in zip(one.path, one.places, strict=True) if piece == chain[-1]]
        return ends[0] if ends else (0, 1)

    def _refuse(self, node: nodes.Node) -> None:
        word = type(node).__name__.lower()
        help_ = "write it into this prompt, or pass it in as a field of the input"
        flaw = _syntax_flaw_at(self.mentions, node.lineno)
        self.flaws.append(Flaw("E805", f"a prompt stands alone: there is no {word}", *flaw, help_))

    def _no_filter(self, node: nodes.Filter) -> None:
        help_ = did_you_mean(node.name, _environment().filters) or "the filters are those of Jinja"
        self._flaw("E805", f"there is no filter {node.name}", node.lineno, ("|", node.name), help_)


_KEEPING = frozenset({"sort", "list", "reverse", "unique", "select", "reject", "selectattr", "rejectattr"})
"""Filters that give what they take: a list of the same items."""


def _syntax_flaw_at(mentions: list[_Mention], line: int) -> tuple[int, int]:
    found = next((one for one in mentions if one.line == line), None)
    return found.places[0] if found else (0, 1)


def _chain(node: nodes.Node) -> tuple[str | int, ...] | None:
    """Return ``("a", "b", 0)`` for ``a.b[0]``, or None for any other expression."""
    from jinja2 import nodes as jinja  # noqa: PLC0415 - likewise

    piece: str | int
    match node:
        case jinja.Name():
            return (node.name,)
        case jinja.Getattr():
            before, piece = _chain(node.node), node.attr
        case jinja.Getitem() if isinstance(node.arg, jinja.Const) and isinstance(node.arg.value, str | int):
            before, piece = _chain(node.node), node.arg.value
        case _:
            return None
    return None if before is None else (*before, piece)


def _targets(node: nodes.Node) -> tuple[str, ...]:
    from jinja2 import nodes as jinja  # noqa: PLC0415 - likewise

    if isinstance(node, jinja.Name):
        return (node.name,)
    return tuple(name for inner in node.iter_child_nodes() for name in _targets(inner))
