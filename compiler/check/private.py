"""What is about a person never enters a cache that everybody shares."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Findings
from ..meaning.pipeline import Callee, Pipeline
from ..types import DictType, ListType, Records, RecordType, Type, UnionType


def private_stays_private(pipeline: Pipeline, findings: Findings) -> None:
    """Report shared caches over types with ``Personal`` fields."""
    for section in ("tools", "agents"):
        for entry in pipeline.names.section(section).values():
            cache = getattr(entry.value, "cache", None)
            callee = pipeline.callees.get(entry.name)
            if cache is None or cache.scope != "shared" or callee is None:
                continue
            for field in dict.fromkeys(_personal(callee, pipeline.records)):
                message = f"{section}.{entry.name} shares its cache, and {field} is Personal"
                findings.error("E905", message, entry.span("cache"), help="use cache: user")
    _steps(pipeline, findings)


def _steps(pipeline: Pipeline, findings: Findings) -> None:
    """A step's cache lies over what it runs."""
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        cache = node.step.cache
        if cache is None or cache.scope != "shared" or node.callee is None:
            continue
        for field in dict.fromkeys(_personal(node.callee, pipeline.records)):
            message = f"the step {node.name} shares its cache, and {field} is Personal"
            findings.error("E905", message, pipeline.main.span(*node.path, "cache"), help="use cache: user")


def _personal(callee: Callee, records: Records) -> Iterator[str]:
    types = [one.type for one in callee.parameters or ()]
    types += [callee.output, *([callee.whole] if callee.whole is not None else [])]
    for type_ in types:
        yield from _fields(type_, records, set())


def _fields(type_: Type, records: Records, seen: set[str]) -> Iterator[str]:
    match type_:
        case ListType():
            yield from _fields(type_.item, records, seen)
        case DictType():
            yield from _fields(type_.value, records, seen)
        case UnionType():
            for option in type_.options:
                yield from _fields(option, records, seen)
        case RecordType() if type_.ref not in seen and type_.ref in records:
            seen.add(type_.ref)
            for one in records[type_.ref].fields:
                if one.personal:
                    yield f"{type_.ref.partition(':')[2]}.{one.name}"
                yield from _fields(one.type, records, seen)
        case _:
            pass
