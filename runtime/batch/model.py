"""The words of a job: what planning hands to the workers, and what workers leave behind.

Everything travels through the store (names in `journal.paths`); a Beam element is only a `ShardRef`.

*Shard input* (``in/<shard>.arrow``, Arrow IPC file): one row per source row to be done, at most ``checkpoint.rows``::

    _key      string       the row's id
    _version  binary(16)   hash of every source field that a stage reads or that reaches the sink
    <field>   …            the source's fields that a stage reads or that reach the sink, flat, under their own names
    _fp.<stage>    binary(16) or null   the memo of an earlier run: the fingerprint under which <stage>'s outcome for
    _at.<stage>    string or null       this key is stored, and where: "<part object name>#<row>" ("filtered" where it
                                        was filtered). Columns are left out where no earlier run has anything.

A stage's fingerprint for a row is H(stage fingerprint, hash of the value it is passed, projected to what it reads). If
it equals ``_fp.<stage>``, the stored outcome is used and the callable isn't called. `fingerprints.entering` and
`fingerprints.leaving` compute it for a batch; a stage that reads the whole row goes by the row's lineage (`_line`)
instead of hashing its values again. A stage that carries fields past it (`StageKey.carries`) takes only the new fields
from a stored outcome, the others from the row as it is now.

*Part* (``parts/<stage>/<shard>.arrow``, Arrow IPC file, one for *every* stage, so that a changed stage is redone from
stored inputs): the rows that left the stage::

    _key      string
    _version  binary(16)
    _fp       binary(16)   the fingerprint under which this outcome was made
    _state    string       "done" or "filtered" (a filtered row has null fields and goes no further)
    _line     binary(16)   the lineage behind this stage (`fingerprints.leaving`); the next group starts from it
    <field>   …            the fields of the stage's output

*Dead letters* (``dead/<group>-<shard>.arrow``; ``dead/source.arrow`` for rows that don't fit the source's type):
``_key, _version, stage, failure, type, message, attempts, input`` (JSON). ``_key`` and ``_version`` may be null in the
source's.

Every write to the sink, deletes too, comes after an intent under ``sink/``: where a generation has none, its rows never
reached the sink, and a later plan of work need not put them right.

*Row states* (``rows/<partition>.arrow``, a delta of one generation, newest wins): ``_key``, ``_version``, ``_state``
(done, filtered, dead, deleted), then ``_fp.<stage>`` and ``_at.<stage>`` for every stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from ...compiler.frozen import Frozen
from ...compiler.settings import FailureClass
from ..ledger import Totals

ROWS_PER_PARTITION = 65_536
KEY = "_key"
VERSION = "_version"
FINGERPRINT = "_fp"
STATE = "_state"
PLACE = "_at"
LINEAGE = "_line"
FILTERED_PLACE = "filtered"


def memo_fingerprint(stage: str) -> str:
    """Return the name of the column that holds a stage's fingerprint of an earlier run."""
    return f"{FINGERPRINT}.{stage}"


def memo_place(stage: str) -> str:
    """Return the name of the column that says where a stage's outcome of an earlier run is."""
    return f"{PLACE}.{stage}"


def writable(text: str) -> str:
    """Return a text that has bytes: half of a surrogate pair, as it stands in the message of many an OSError, as its escape."""
    return text.encode(errors="backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class ShardRef:
    """The only thing that travels through Beam. ``attempt`` is from 1, ``rung`` 0 is the base resources."""

    shard: int
    attempt: int = 1
    rung: int = 0


class Counts(Frozen):
    """Rows by what happened to them in one stage. ``done`` were computed now, ``reused`` were served from an earlier run."""

    done: int = 0
    reused: int = 0
    filtered: int = 0
    dead: int = 0


class PartRef(Frozen):
    """A written part: its object name, rows, bytes and checksum (xxh-like 64-bit or SHA-256, as text)."""

    name: str
    rows: int
    size: int
    checksum: str


class Work(Frozen):
    """A plan of work (``work.json``): what is to be done against what the newest manifest knows."""

    job: str
    generation: int
    """Where the shard inputs, parts and markers of this plan of work live (the generation that planned it)."""
    basis: int | None = None
    """The generation of the manifest that this was compared with; None for a first build."""
    signature: str
    """Digest of plan, bound parameters and stage fingerprints: a resume goes on only with an equal one."""
    stages: dict[str, str]
    """Stage name to stage fingerprint (code, ``with``, version, prompt, model)."""
    partitions: int
    """Partitions of row states, a power of two."""
    shards: tuple[int, ...]
    """Rows of each shard, by shard number."""
    source_rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    redo: int = 0
    """Rows whose source is unchanged and that a changed stage must redo."""
    superseded: int = 0
    still_dead: int = 0
    """Of the unchanged rows, those that are dead since an earlier run."""
    left: int = 0
    """New and changed rows that a retry of dead ones leaves to the next run."""
    retry: bool = False
    """It was made to try dead rows again."""
    only_dead: bool = False
    """No other row is planned: what the basis knows of the stages stays so, and a change of them is due to the others still."""
    null_keys: int = 0
    broken: int = 0
    """Source rows that do not fit the source's type, dead-lettered while planning."""
    deletes: tuple[str, ...] = ()
    """Keys that an earlier run wrote and that are gone from the source (or marked deleted)."""
    known: int = 0
    """Live rows of the basis: what `max_deletes` is a share of."""
    inputs: tuple[PartRef, ...] = ()
    """What each shard's input is known by, in order: `parts.read_part` reads it with its checksum."""
    source_dead: PartRef | None = None
    """The dead letters of source rows."""

    @property
    def judged(self) -> int:
        """The rows of which `dead_letter.max` is a share: those that are planned; of a retry of dead ones, all of the source's."""
        return self.source_rows if self.retry else sum(self.shards)

    @property
    def nothing_to_do(self) -> bool:
        """Whether no row, no delete and no fresh dead letter waits: nothing was written, and Beam need not be loaded."""
        return not self.shards and not self.deletes and self.source_dead is None


class Marker(Frozen):
    """The outcome of one group for one shard (``markers/<group>/<shard>.json``)."""

    shard: int
    group: int
    attempt: int
    rung: int = 0
    outcome: Literal["done", "failed"]
    stages: dict[str, Counts] = {}
    parts: dict[str, PartRef] = {}
    dead: PartRef | None = None
    failure: FailureClass | None = None
    message: Annotated[str, AfterValidator(writable)] | None = None
    seconds: float = 0.0
    calls: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    failures: dict[FailureClass, Totals] = {}
    """What failures cost: of rows, and of this shard's attempts so far."""
    worker: str = ""


class Manifest(Frozen):
    """What a finished run leaves (``manifest.json``): the newest one says what is current."""

    job: str
    generation: int
    stages: dict[str, str]
    partitions: int
    rows: dict[str, tuple[PartRef, ...]]
    """Partition index (as text) to its deltas, oldest first."""
    places: dict[str, tuple[int, ...]] = {}
    """Partition index (as text) to the generations whose parts its row states name (perhaps some more)."""
    live: int = 0
    counts: dict[str, Any] = {}
    """The final table, as it was shown."""
