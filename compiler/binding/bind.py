"""The syntax tree into the language's models: every misfit becomes a finding at its place."""

from __future__ import annotations

import json
from dataclasses import replace

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..diagnostics import ENOUGH, Findings
from ..source import SourceFile
from ..spec import Spec
from ..text.syntax import MappingNode, Path, ScalarNode, descend, to_value
from .bound import Bound
from .misfits import Misfit, misspelling, shown, tell
from .shapes import Place, locate
from .wellformed import check_shape

LANGUAGE = 1


def bind(source: SourceFile, tree: MappingNode, findings: Findings) -> Bound | None:
    """Return a tree as a `Spec` with its places, or None where it can't be understood.

    What is wrong is in ``findings``; with a `Bound` there may be findings too, of things that later stages can look past.
    """
    if not _speaks_our_language(tree, findings):
        return None
    try:
        # JSON, because pydantic's strict mode takes lists for tuples only there; and strictly, because "3" is no number.
        spec = Spec.model_validate_json(json.dumps(to_value(tree)), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        _report(error, tree, findings)
        return None
    bound = Bound(spec, tree, source)
    return bound if check_shape(bound, findings) else None


def _speaks_our_language(tree: MappingNode, findings: Findings) -> bool:
    entry = tree.entry("darner")
    if entry is None or (isinstance(entry.value, ScalarNode) and (entry.value.broken or _is_one(entry.value))):
        return True
    help_ = f"write darner: {LANGUAGE}"
    findings.error("E211", f"this darner reads the language 1, not {shown(entry.value)}", entry.value.span, help=help_)
    return False


def _is_one(node: ScalarNode) -> bool:
    return node.value == LANGUAGE and type(node.value) is int


def _report(error: ValidationError, tree: MappingNode, findings: Findings) -> None:
    """Say every misfit once, and nothing that only follows from another one."""
    errors = error.errors(include_url=False, include_input=False)[:ENOUGH]
    misfits = [_misfit(one, tree) for one in errors]
    quiet = _holders(misfits) | {path for one in misfits for path in misspelling(one)}
    said: set[tuple[Path, bool]] = set()
    for one in misfits:
        where = (one.place.path, one.place.is_key)
        follows = one.place.path in quiet and not one.place.is_key
        if where not in said and not follows and not _is_known_broken(one):
            said.add(where)
            tell(one, findings)


def _holders(misfits: list[Misfit]) -> set[Path]:
    """Return the paths above a misfit: a list is called too short, or of the wrong kind, when one of its entries misfits."""
    return {one.place.path[:length] for one in misfits for length in range(len(one.place.path))}


def _misfit(error: ErrorDetails, tree: MappingNode) -> Misfit:
    place = locate(Spec, error["loc"])
    if error["type"] != "missing":
        place = _written_part(place, tree)
    return Misfit(tree, place, error["type"], error["msg"], error.get("ctx", {}))


def _written_part(place: Place, tree: MappingNode) -> Place:
    """Return a place without what is not in the text: ``cache: run`` stands for ``cache: {scope: run}``."""
    path = place.path
    while descend(tree, path) is None:
        path = path[:-1]
    return replace(place, path=path)


def _is_known_broken(misfit: Misfit) -> bool:
    """Whether what is wrong here was already said while the text was read."""
    node = descend(misfit.tree, misfit.place.path[:-1]) if misfit.kind == "missing" else misfit.node
    return node is not None and node.broken
