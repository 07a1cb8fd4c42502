"""Every entry that a spec writes is used by it."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Findings
from ..meaning.entries import CALLABLES, SECTIONS
from ..meaning.pipeline import Pipeline
from ..wires import references
from . import mentions
from .names import known_names


def entries_are_used(pipeline: Pipeline, findings: Findings) -> None:
    """Report entries of the spec itself that neither its flow nor its job reaches; a library may define more than is used."""
    spec, main = pipeline.main.spec, pipeline.main
    if main.is_library:
        return
    lost = _sections_of_lost_names(pipeline)
    for section in SECTIONS:
        extended = {name for entry in pipeline.names.section(section).values() for name in entry.extends}
        for name in getattr(spec, section) if section not in lost else ():
            if (section, name) not in pipeline.reached and name not in extended:
                help_ = "use it, or remove it; what several specs share stands in a library under imports"
                findings.error("E302", f"{section}.{name} is never used", main.key_span(section, name), help=help_)
    used = set(_secrets(pipeline))
    for index, name in enumerate(spec.secrets):
        if name not in used:
            help_ = "name it where it is needed (secret: or $secrets.NAME), or remove it"
            findings.error("E302", f"the secret {name} is never used", main.span("secrets", index), help=help_)


def _sections_of_lost_names(pipeline: Pipeline) -> set[str]:
    """Return the sections in which a name is looked for that isn't there: what was meant by it is no entry without use."""
    lost = {one.section for one in mentions.names(pipeline) if one.name not in known_names(pipeline, one.section)}
    return (lost - {"use"}) | (set(CALLABLES) if "use" in lost else set())


def _secrets(pipeline: Pipeline) -> Iterator[str]:
    for entry in pipeline.names.models.values():
        if entry.value.secret is not None:
            yield entry.value.secret
    for bound in (pipeline.main, *pipeline.libraries):
        dumped = bound.spec.model_dump(include={"models", "datasets", "tools", "flow", "job"}, by_alias=True)
        yield from (str(ref.path[0]) for ref in references(dumped) if ref.root == "secrets" and ref.path)
