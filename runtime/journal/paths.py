"""Every object name under a store, in one place. Names are relative, with forward slashes."""

from __future__ import annotations

import hashlib

from ..failures import Refused

RUNS = "runs"
JOBS = "jobs"
OWNERS = "owners"
TOMBSTONES = "tombstones"
CACHE = "cache"
RUNGS = "rungs"
"""Memory rungs that worked, by spec, node and ladder: hints, which may be deleted at any time."""


def checked(name: str) -> str:
    """Return an object name as it is; `Refused` where it is absolute, climbs, or has a part that starts with a dot."""
    parts = name.split("/")
    if any(part.startswith(".") for part in parts) or (name and "" in parts) or "\\" in name:
        raise Refused(f"{name!r} is no object name", help="names are relative, with forward slashes, and no part starts with a dot")
    return name


def run(run_id: str) -> str:
    """Return the folder of one run."""
    return f"{RUNS}/{run_id}"


def run_plan(run_id: str, revision: int = 1) -> str:
    """Return the full plan that a run is bound to."""
    return f"{_bound(run_id, revision)}/plan.yaml"


def run_lock(run_id: str, revision: int = 1) -> str:
    """Return the fingerprints and places of a run's plan."""
    return f"{_bound(run_id, revision)}/lock.json"


def run_prompt(run_id: str, name: str, revision: int = 1) -> str:
    """Return one prompt's text as a run is bound to it."""
    return f"{_bound(run_id, revision)}/prompts/{name}"


def _bound(run_id: str, revision: int) -> str:
    """Return the folder of a run's plan: its own, or that of the plan that took its place."""
    return run(run_id) if revision == 1 else f"{run(run_id)}/plans/{revision}"


def run_inputs(run_id: str) -> str:
    """Return a run's inputs and bound parameters."""
    return f"{RUNS}/{run_id}/inputs.json"


def run_offers(run_id: str) -> str:
    """Return what a run's MCP servers offered when it began."""
    return f"{RUNS}/{run_id}/offers.json"


def run_standing(run_id: str) -> str:
    """Return how a run stood when its owner gave it up: a cache over its journal, like `STANDINGS`."""
    return f"{RUNS}/{run_id}/standing.json"


def journal(run_id: str) -> str:
    """Return the folder of a run's journal."""
    return f"{RUNS}/{run_id}/journal"


def journal_file(run_id: str) -> str:
    """Return the one file that holds a run's journal in a local folder: the records of the segments, one after the other."""
    return f"{RUNS}/{run_id}/journal/records.darner"


def run_owner(run_id: str) -> str:
    """Return the file that a run's owner keeps locked in a local folder, and that says who it is."""
    return f"{RUNS}/{run_id}/owner"


def segment(run_id: str, seq: int) -> str:
    """Return one journal segment. The epoch is inside, never in the name: a taken-over owner must collide here."""
    return f"{RUNS}/{run_id}/journal/{seq:012d}.arrow"


def pack(run_id: str, first: int, last: int) -> str:
    """Return the object that holds the records ``first`` to ``last``, one after the other."""
    return f"{packs(run_id)}/{first:012d}-{last:012d}.darner"


def packs(run_id: str) -> str:
    """Return the folder of a journal's packs."""
    return f"{RUNS}/{run_id}/journal/packs"


def boundary(run_id: str, seq: int) -> str:
    """Return the object that says that every record before ``seq`` is in a pack: segments below are not history any more."""
    return f"{boundaries(run_id)}/{seq:012d}"


def boundaries(run_id: str) -> str:
    """Return the folder of a journal's boundaries; the highest one counts."""
    return f"{RUNS}/{run_id}/journal/boundary"


def process(process_id: str) -> str:
    """Return the heartbeat of one process."""
    return f"{OWNERS}/{process_id}.json"


def tombstone(run_id: str) -> str:
    """Return the object that says that a run was deleted: its id is never used again."""
    return f"{TOMBSTONES}/{run_id}"


def blob(run_id: str, digest: str) -> str:
    """Return one large payload, by the SHA-256 of its bytes."""
    return f"{RUNS}/{run_id}/blobs/{digest}"


def answers(run_id: str) -> str:
    """Return the folder of the answers to a run's questions."""
    return f"{RUNS}/{run_id}/answers"


def answer(run_id: str, question: str) -> str:
    """Return the object whose exclusive creation answers a question, or ends it otherwise."""
    return f"{answers(run_id)}/{question}"


def inbox(run_id: str) -> str:
    """Return the folder of what was said to a run unasked."""
    return f"{RUNS}/{run_id}/inbox"


def message(run_id: str, number: int) -> str:
    """Return one message; they are numbered from 1 in the order of their creation."""
    return f"{inbox(run_id)}/{number:08d}"


def cancel(run_id: str) -> str:
    """Return the object that says that a run is to end."""
    return f"{RUNS}/{run_id}/cancel"


DUE = "index/due"
"""Hints for wakers: ``<milliseconds since 1970>-<run>``. Correctness never depends on them."""


def due(at: float, run_id: str) -> str:
    """Return the hint that a run may have something to do at a time (seconds since 1970)."""
    return f"{DUE}/{max(0, int(at * 1000)):014d}-{run_id}"


def due_of(name: str) -> tuple[float, str]:
    """Return the time and the run of a hint's name."""
    at, _, run_id = name.rpartition("/")[2].partition("-")
    return (int(at) / 1000 if at.isdigit() else 0.0), run_id


STANDINGS = "index/runs.json"
"""How runs stood when somebody last looked. A cache over their journals: it may be deleted at any time."""


def job(name: str) -> str:
    """Return the folder of one job."""
    return f"{JOBS}/{name}"


def job_binding(name: str) -> str:
    """Return which source and sink a job's state belongs to."""
    return f"{JOBS}/{name}/binding.json"


def job_call(name: str) -> str:
    """Return the name of what says how a job was called last."""
    return f"{JOBS}/{name}/call.json"


def generation(name: str, number: int) -> str:
    """Return the folder of one driver start."""
    return f"{JOBS}/{name}/{number:06d}"


def generation_claim(name: str, number: int) -> str:
    """Return the object whose exclusive creation takes a generation."""
    return f"{JOBS}/{name}/{number:06d}/driver.json"


def work(name: str, number: int) -> str:
    """Return the plan of work: shards, counts, deletes. Written last while planning; present means planned."""
    return f"{JOBS}/{name}/{number:06d}/work.json"


def given_up(name: str, number: int) -> str:
    """Return the object that says that a plan of work is damaged: the source is read again."""
    return f"{JOBS}/{name}/{number:06d}/given-up.json"


def work_plan(name: str, number: int) -> str:
    """Return the full plan that a plan of work was made for."""
    return f"{JOBS}/{name}/{number:06d}/plan.yaml"


def shard_input(name: str, number: int, shard: int) -> str:
    """Return a shard's changed rows, projected."""
    return f"{JOBS}/{name}/{number:06d}/in/{shard:06d}.arrow"


def part(name: str, number: int, stage: str, shard: int) -> str:
    """Return the rows that left one stage for one shard."""
    return f"{JOBS}/{name}/{number:06d}/parts/{stage}/{shard:06d}.arrow"


def spent(name: str, number: int) -> str:
    """Return how long a plan of work was driven so far, by all of its drivers; only where its time is limited."""
    return f"{JOBS}/{name}/{number:06d}/spent.json"


def flushes(name: str, number: int, shard: int | None = None) -> str:
    """Return the folder of what shards under way (or one of them) have made so far."""
    return f"{JOBS}/{name}/{number:06d}/flushed" + ("" if shard is None else f"/{shard:06d}")


def flush(name: str, number: int, shard: int, count: int, stage: str) -> str:
    """Return some outcomes of one stage for a shard under way; ``count`` is from 0, over all stages and attempts."""
    return f"{flushes(name, number, shard)}/{count:06d}-{stage}.arrow"


def marker(name: str, number: int, group: int, shard: int) -> str:
    """Return the outcome of one group for one shard; present means finished."""
    return f"{JOBS}/{name}/{number:06d}/markers/{group:02d}/{shard:06d}.json"


def start_marker(name: str, number: int, group: int, shard: int, attempt: int) -> str:
    """Return the object that says that an attempt at a shard began."""
    return f"{JOBS}/{name}/{number:06d}/started/{group:02d}/{shard:06d}-{attempt:03d}.json"


def failed_attempts(name: str, number: int) -> str:
    """Return the folder of what failed attempts at the shards of a plan of work cost."""
    return f"{JOBS}/{name}/{number:06d}/failed"


def failed_attempt(name: str, number: int, group: int, shard: int, attempt: int, how: str) -> str:  # noqa: PLR0913, PLR0917 - parts of a name
    """Return the name of what one such attempt cost; ``how`` says what became of it."""
    return f"{failed_attempts(name, number)}/{group:02d}/{shard:06d}-{attempt:03d}.{how}.json"


def job_failures(name: str, number: int) -> str:
    """Return the name of what failures of a plan of work cost in all: it stays when the rest of its generation is cleared away."""
    return f"{JOBS}/{name}/{number:06d}/failures.json"


def stage_marker(started: str, stage: str) -> str:
    """Return the object that says that an attempt, named by its `start_marker`, reached a stage behind its group's first."""
    return f"{started.removesuffix('.json')}.at-{stage}"


def dead(name: str, number: int, group: int, shard: int) -> str:
    """Return a shard's dead letters."""
    return f"{JOBS}/{name}/{number:06d}/dead/{group:02d}-{shard:06d}.arrow"


def dead_source(name: str, number: int) -> str:
    """Return the dead letters of source rows that a plan of work could not take."""
    return f"{JOBS}/{name}/{number:06d}/dead/source.arrow"


def driver_lock(name: str) -> str:
    """Return the file that one driver at a time holds a lock on, where the store is a local folder."""
    return f"{JOBS}/{name}/driver.lock"


def sink_intent(name: str, number: int, batch: int) -> str:
    """Return which shards a sink commit is about to write."""
    return f"{JOBS}/{name}/{number:06d}/sink/{batch:06d}.intent.json"


def sink_done(name: str, number: int, batch: int) -> str:
    """Return the record that a sink commit was written."""
    return f"{JOBS}/{name}/{number:06d}/sink/{batch:06d}.done.json"


def partition(name: str, number: int, index: int) -> str:
    """Return the delta of one partition of row states that a generation wrote."""
    return f"{JOBS}/{name}/{number:06d}/rows/{index:04d}.arrow"


def manifest(name: str, number: int) -> str:
    """Return a run manifest, the last object that a generation writes: what is current is what the newest one names."""
    return f"{JOBS}/{name}/{number:06d}/manifest.json"


def stop(name: str, number: int) -> str:
    """Return the object by which a driver asks its workers to begin nothing more."""
    return f"{JOBS}/{name}/{number:06d}/stop.json"


def waiting(name: str, number: int) -> str:
    """Return the object by which a worker says that it waits for memory."""
    return f"{JOBS}/{name}/{number:06d}/waiting.json"


def heartbeat(name: str, number: int) -> str:
    """Return the object that a driver writes between waves: where it can't, nothing can be marked either."""
    return f"{JOBS}/{name}/{number:06d}/alive.json"


def cache_folder(scope: str, user: str | None = None) -> str:
    """Return the folder of results shared between runs: of one user (by a digest, names hold anything), or of all."""
    return f"{CACHE}/{scope}" if user is None else f"{CACHE}/{scope}/{hashlib.sha256(user.encode()).hexdigest()[:16]}"


def cache_entry(folder: str, key: str) -> str:
    """Return one shared result."""
    return f"{folder}/{key}"


def cache_claim(folder: str, key: str, number: int) -> str:
    """Return the object whose exclusive creation says who is making a shared result now."""
    return f"{folder}/{key}.claim.{number}"


def rung(spec: str, node: str, ladder: str) -> str:
    """Return what is remembered of a node's rungs under one ladder (a digest)."""
    return f"{RUNGS}/{spec}/{node}/{ladder}.json"
