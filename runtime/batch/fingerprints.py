"""Fingerprints of a job's stages, of the rows that enter them, and of a whole plan of work.

A row has a *lineage*: 16 bytes that stand for everything it has been made from. It begins as the row's version (the
hash of the source fields that matter). A stage's fingerprint for a row is::

    reads the whole row     H(stage fingerprint, lineage)                     values are not hashed again
    reads some fields       H(stage fingerprint, hash of those values)        a change elsewhere does not redo it

and the lineage behind the stage is that fingerprint, or, where the stage lets fields of the row pass by it (an agent
that is asked for new fields only), H(fingerprint, lineage before).

So an upstream stage that changes and yields equal values redoes a stage that reads the whole row; only a stage that
reads some fields is spared.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from ...compiler.plan import Lock, Plan, StagePlan
from ...compiler.wires import substitute
from ..meaning import agent_meaning, code_meaning
from .arrow import Column
from .arrow import compute as pc
from .canonical import DIGEST, DIGEST_BYTES, canonical, digest, digests, hash_each

_NO_SALT = b""


@dataclass(frozen=True, slots=True)
class StageKey:
    """What decides whether a stage is redone for a row."""

    name: str
    fingerprint: str
    """Of the stage: code, ``with``, version, prompt, model, output type; 32 hex digits."""
    reads: tuple[str, ...] = ()
    """The fields whose values are hashed; empty means the whole row, by its lineage."""
    carries: bool = False
    """Fields of the row pass by the stage into what leaves it."""


def stage_keys(plan: Plan, params: Mapping[str, Any], lock: Lock) -> tuple[StageKey, ...]:
    """Return the key of every stage of a job, in order."""
    return tuple(
        StageKey(name, stage_fingerprint(plan, params, lock, name), stage.reads, carries(plan, stage))
        for name, stage in plan.stages.items()
    )


def carries(plan: Plan, stage: StagePlan) -> bool:
    """Return whether fields that the stage does not write reach what leaves it."""
    agent = plan.agents.get(stage.runs)
    return agent is not None and agent.new_fields is not None


def stage_fingerprint(plan: Plan, params: Mapping[str, Any], lock: Lock, stage: str) -> str:
    """Return the fingerprint of one stage as 32 hex digits: what it computes, not how fast or where.

    Resources, batch size, concurrency and failure policy are left out: they change no outcome.
    """
    node = plan.stages[stage]
    meaning: dict[str, Any] = {
        "shape": node.shape,
        "runs": node.runs,
        "with": substitute(node.with_, params),
        "version": node.version,
        "reads": node.reads,
        "output": code_meaning(node.output, lock),
        "fields": node.fields,
    }
    agent = plan.agents.get(node.runs)
    if agent is None:
        meaning["code"] = code_meaning(node.runs, lock)
    else:
        meaning["agent"] = agent_meaning(plan, params, lock, node.runs)
    return _hex(meaning)


def _hex(meaning: Any) -> str:
    text = json.dumps(meaning, sort_keys=True, ensure_ascii=True, default=str)
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def row_fingerprint(stage: str, values: Mapping[str, Any]) -> bytes:
    """Return the fingerprint of one row before a stage that reads just ``values`` (16 bytes)."""
    return chained_fingerprint(stage, digest(values))


def row_fingerprints(stage: str, columns: Mapping[str, Column]) -> Column:
    """Return `row_fingerprint` for every row of the columns that a stage reads (binary(16))."""
    return chained_fingerprints(stage, digests(columns))


def chained_fingerprint(stage: str, before: bytes) -> bytes:
    """Return H(stage fingerprint, 16 bytes that stand for what the stage is passed)."""
    return blake2b(bytes.fromhex(stage) + before, digest_size=DIGEST_BYTES).digest()


def chained_fingerprints(stage: str, before: Column) -> Column:
    """Return `chained_fingerprint` for every value of a binary(16) column."""
    return _pairs(pa.scalar(bytes.fromhex(stage), pa.binary()), before)


def _pairs(left: Any, right: Column) -> Column:
    joined = pc.binary_join_element_wise(left, right.cast(pa.binary()), pa.scalar(b"", pa.binary()))
    return hash_each(joined, _NO_SALT)


def entering(stage: StageKey, columns: Mapping[str, Column], lineage: Column) -> Column:
    """Return the fingerprints under which rows enter a stage (binary(16)).

    ``columns`` has at least the fields that the stage reads; ``lineage`` is the rows' version before the first stage,
    and what `leaving` gave before every other.
    """
    if not stage.reads:
        return chained_fingerprints(stage.fingerprint, lineage)
    return row_fingerprints(stage.fingerprint, {name: columns[name] for name in stage.reads})


def leaving(stage: StageKey, fingerprints: Column, lineage: Column) -> Column:
    """Return the lineage of rows behind a stage, from their fingerprints in it and their lineage before it."""
    return _pairs(fingerprints.cast(pa.binary()), lineage) if stage.carries else fingerprints


def signature_of(plan: Plan, params: Mapping[str, Any], keys: Sequence[StageKey]) -> str:
    """Return the digest of everything that a plan of work depends on: a resume goes on only with an equal one.

    What may change between a crash and the next start is left out: memory, workers, failure policy, limits, rates.
    How stages are grouped is in, because markers are kept by group.
    """
    job = plan.job
    if job is None:
        return _hex({"stages": [key.fingerprint for key in keys]})
    classes = [plan.resources.get(stage.resources or "") for stage in plan.stages.values()]
    source = plan.datasets[job.source]
    return _hex(
        {
            "stages": [[key.name, key.fingerprint, key.reads, key.carries] for key in keys],
            "groups": [one == other for one, other in itertools.pairwise(classes)],
            "source": substitute(source.model_dump(mode="json"), params),
            "sink": [job.sink.mode, job.sink.deletes, substitute(plan.datasets[job.sink.to].model_dump(mode="json"), params)],
            "rows": job.checkpoint_rows,
        }
    )


__all__ = [
    "DIGEST",
    "StageKey",
    "canonical",
    "carries",
    "chained_fingerprint",
    "chained_fingerprints",
    "entering",
    "leaving",
    "row_fingerprint",
    "row_fingerprints",
    "signature_of",
    "stage_fingerprint",
    "stage_keys",
]
