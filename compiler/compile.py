"""The compiler: text ─▶ syntax ─▶ Spec ─▶ Pipeline ─▶ checked Pipeline ─▶ Plan. It touches nothing.

The caller reads files and looks at Python, in three steps::

    sources = Sources("spec.yaml")                    # 1. text ─parse─▶ syntax ─bind─▶ Spec, file by file
    while names := sources.needed():
        for name in names: sources.add(name, ...)
    refs = needed_callables(sources)                  # 2. what Python must be asked about
    compiled = compile_sources(sources, Surroundings(signatures))         # 3. resolve, check, lower, verify
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from .check.rules import RULES
from .lowering.lower import lower
from .lowering.verify import verify
from .meaning.pipeline import Pipeline, Scope
from .meaning.refs import refs_of
from .meaning.resolve import Surroundings, resolve
from .meaning.sources import Sources
from .plan import Compiled, Lock, Plan
from .settings import Price


def needed_callables(sources: Sources) -> tuple[str, ...]:
    """Return every ``module.path:attr`` that the files name, sorted."""
    return tuple(sorted({ref for bound in sources.bounds.values() for ref in refs_of(bound.spec)}))


def check_sources(sources: Sources, around: Surroundings) -> Pipeline:
    """Return the checked pipeline of a spec or a library; `CompileError` with everything that is wrong, at once."""
    findings = sources.findings
    main = sources.bounds.get(sources.main)
    if main is None or any(name not in sources.bounds for name in sources.needed_specs()):
        findings.raise_if_any()
    if main is None:
        msg = "the spec was never added to its sources"
        raise ValueError(msg)
    pipeline = resolve(main, sources.libraries(), sources.files, around, findings)
    for rule in RULES:
        rule(pipeline, findings)
    findings.raise_if_any()
    return pipeline


def compile_sources(sources: Sources, around: Surroundings) -> Compiled:
    """Return the plan of a spec with what belongs to it; `CompileError` with everything that is wrong, at once."""
    pipeline = check_sources(sources, around)
    if pipeline.main.is_library:
        help_ = "a spec has a name, and a flow or a job; a library is checked, and compiled with what imports it"
        sources.findings.error("E210", "this is a library: there is nothing to run", pipeline.main.key_span("darner"), help=help_)
        sources.findings.raise_if_any()
    plan = verify(lower(pipeline))
    return Compiled(plan=plan, prompts=_prompt_texts(pipeline, plan), lock=_lock(pipeline, plan))


def _prompt_texts(pipeline: Pipeline, plan: Plan) -> dict[str, str]:
    used = [pipeline.prompts[name] for name in (*plan.agents, *plan.humans)]
    return {one.file: one.text for one in sorted(used, key=lambda one: one.name) if one.file is not None}


def _lock(pipeline: Pipeline, plan: Plan) -> Lock:
    callables = {ref: one.fingerprint for ref, one in sorted(pipeline.signatures.callables.items()) if one.fingerprint}
    prompts = {name: _digest(pipeline.prompts[name].text) for name in sorted((*plan.agents, *plan.humans))}
    personal = tuple(sorted(f"{ref}.{one.name}" for ref, record in pipeline.records.items() for one in record.fields if one.personal))
    return Lock(callables=callables, prompts=prompts, places=dict(_places(pipeline)), personal=personal, prices=_prices(pipeline, plan))


def _prices(pipeline: Pipeline, plan: Plan) -> dict[str, Price]:
    """Return the prices of the models whose entries name none, as far as they are known: a run counts with those that it began with."""
    found = {name: pipeline.price_of(one) for name, one in sorted(plan.models.items()) if one.price is None}
    return {name: price for name, price in found.items() if price is not None}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _places(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    main = pipeline.main
    yield from _step_places(pipeline, pipeline.flow, "")
    for node in pipeline.stages:
        yield node.stage.name, str(main.span(*node.path, "name"))
    for entry in pipeline.names.all():
        if (entry.section, entry.name) in pipeline.reached:
            yield f"{entry.section}.{entry.name}", str(entry.place)


def _step_places(pipeline: Pipeline, scope: Scope | None, prefix: str) -> Iterator[tuple[str, str]]:
    for node in scope.steps if scope else ():
        yield f"{prefix}{node.name}", str(pipeline.main.key_span(*node.path))
        yield from _step_places(pipeline, node.body, f"{prefix}{node.name}.")
