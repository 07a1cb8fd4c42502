"""Golden journals: runs that an older darner left, which this one must go on with. They are never written again."""

from __future__ import annotations

import hashlib
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darner.runtime.journal import binding
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.journal.log import read_events
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.people.replies import reply
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Store
from darner.runtime.state import RunState, fold

from ..journal.stores import FolderBucket, as_store

JOURNALS = Path(__file__).parent / "journals"
RELEASED = "315be8700c5d79e5496effbe8581042fe207623d18913b9caa3a76ca753ff87c"
"""The digest of the journals of format v1."""
EFFECTS = ["price ab", "price cde", "price f", "book", "price ab", "price cde", "price f", "price 42:"]
"""What an undisturbed run does."""
LETTER = "42: dear customer de"


@pytest.fixture
def v1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the journals of format v1, in the folder that their specs' paths are relative to."""
    shutil.copytree(JOURNALS / "v1", tmp_path / "v1")
    monkeypatch.chdir(tmp_path / "v1")
    monkeypatch.syspath_prepend(str(tmp_path / "v1" / "spec"))
    for name in [one for one in sys.modules if one.partition(".")[0] == "wares"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path / "v1"


def resumed(store: Store, run: str) -> RunState:
    return run_flow(store, binding.load(store, run), Surroundings(EnvironmentSecrets({})))


def effects(folder: Path, run: str) -> list[str]:
    return [line.split()[0] if line.startswith("book") else line for line in (folder / f"{run}.log").read_text().splitlines()]


def outputs(state: RunState) -> dict[str, object]:
    assert state.finished is not None
    assert state.finished.status == "done"
    found: dict[str, object] = state.finished.outputs
    return found


def test_a_run_that_waits_in_a_folder_is_answered_and_goes_on(v1: Path) -> None:
    """Format v1, one file of records: what was paid for is served, the open question is not asked again."""
    store = LocalStore.open(v1 / "folder")
    before = list(read_events(store, "asked"))
    [asked] = fold(before).waits.open
    assert asked.text == "Take them for 42?"
    reply(store, "asked", ['{"yes": true}'], "ada")
    told = outputs(resumed(store, "asked"))
    assert (told["booked"], told["regret"], told["letter"]) == ("booked 3", None, LETTER)
    assert effects(v1, "asked") == EFFECTS
    after = list(read_events(store, "asked"))
    assert after[: len(before)] == before
    assert [event.kind for event in after].count("question_asked") == 1


def test_a_run_that_was_killed_in_a_bucket_goes_on_from_its_packs(v1: Path) -> None:
    """Format v1, segments, packs, fences and a blob: three owners so far, the last one killed amid plain Python."""
    store = as_store(FolderBucket(v1 / "bucket"))
    before = fold(read_events(store, "killed"))
    assert (before.epoch, before.finished) == (3, None)
    began = effects(v1, "killed")
    assert began == EFFECTS[: len(began)]
    assert 4 < len(began) < len(EFFECTS)
    state = resumed(store, "killed")
    told = outputs(state)
    assert state.epoch == 4
    assert (told["booked"], told["letter"]) == ("booked 3", LETTER)
    recorded = {one.name: one.payload.value for one in before.calls.values() if one.name.startswith("darner.") and one.payload is not None}
    began_at = datetime.fromtimestamp(recorded["darner.now"], UTC).isoformat()
    assert told["visit"] == {"began": began_at, "number": recorded["darner.uuid"], "prices": [14, 21, 7, 21]}
    assert effects(v1, "killed") == EFFECTS


def test_golden_journals_are_what_was_released() -> None:
    """Not a byte of them changes: new code must read them as they are."""
    digest = hashlib.sha256()
    kept = [one for part in ("folder", "bucket") for one in (JOURNALS / "v1" / part).rglob("*") if one.is_file()]
    for path in sorted(kept):
        digest.update(path.relative_to(JOURNALS).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    assert digest.hexdigest() == RELEASED
