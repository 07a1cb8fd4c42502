"""Runs whose store is damaged, full or read with wrong words: each is a clear error, and after the repair the run goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from darner.runtime.journal import paths, record

from ..desk import command
from ..servers import S3Server
from .disks import disk, remount
from .shop import DONE, Shop

RUN = "r1"


@pytest.fixture
def folder_shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """A shop whose store is a folder."""
    return Shop(tmp_path, capsys)


@pytest.fixture(params=["folder", "s3"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose store is a folder, and one whose store is a bucket."""
    if request.param == "folder":
        return Shop(tmp_path, capsys)
    server: S3Server = request.getfixturevalue("s3")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return Shop(tmp_path, capsys, server.url(tmp_path.name), server.options)


WRONG = {
    '{"name": "mug", "colour": "red"}': "there is no input item.colour",
    '{"nam": "mug"}': "nam",
    '{"name": 3}': "name",
    '["mug"]': "item",
    '{"name": "mug"': "item",
}


def test_a_field_that_an_input_doesn_t_have_is_refused_however_deep(folder_shop: Shop) -> None:
    """Unknown is an error: exit 2, the field's name, nothing written. Missing ones and wrong types, too."""
    for item, said in WRONG.items():
        assert folder_shop.run(item) == 2, item
        assert said in folder_shop.told["error"]
        assert "help:" in folder_shop.err
    assert not (folder_shop.folder / "store").exists()


def test_a_run_s_id_belongs_to_what_it_was_first_used_for(folder_shop: Shop) -> None:
    """Other inputs, parameters or another spec under the same id are refused; the same go on; a deleted id is never free again."""
    assert folder_shop.run() == 1
    assert folder_shop.run('{"name": "pot"}') == 2
    assert "other inputs" in folder_shop.told["error"]
    assert folder_shop.run('{"name": "mug"}', "--set", f"log={folder_shop.folder / 'other'}") == 2
    folder_shop.open_gate()
    assert folder_shop.run() == 0
    assert folder_shop.told["outputs"] == DONE
    assert folder_shop("gc", "--older-than", "0s") == 0
    assert folder_shop.run() == 2
    assert "was deleted" in folder_shop.told["error"]
    assert folder_shop.calls.count("reserve mug") == 1


def test_a_folder_that_can_t_be_made_and_a_file_that_may_not_grow_are_told_with_what_to_do(folder_shop: Shop) -> None:
    """A link to nowhere; `ulimit -f`, under which a run goes on once it is raised."""
    whole, link = folder_shop.url, folder_shop.folder / "link"
    link.symlink_to(folder_shop.folder / "nowhere" / "at all")
    folder_shop.url = str(link)
    assert folder_shop.run() == 1
    assert "none can be made there\n  help: give another folder with --store" in folder_shop.err
    folder_shop.url = whole
    folder_shop.open_gate()
    spec, log = folder_shop.folder / "shop.yaml", folder_shop.folder / "log"
    words = command("run", spec, "--set", f"log={log}", "-i", 'item={"name": "mug"}', "--run", RUN, "--json", "--store", whole)
    # The shell counts in blocks of 512 bytes: 64 hold the journal, and not what the first step returned.
    done = subprocess.run(["sh", "-c", 'ulimit -f 64; exec "$@"', "sh", *words], check=False, capture_output=True, text=True, timeout=280)
    assert done.returncode == 1
    assert "may write\n  help: raise the limit (ulimit -f); what was finished is kept" in done.stderr
    assert folder_shop.run() == 0
    assert folder_shop.told["outputs"] == DONE


class Damage:
    """The parts of a run's store, damaged in one way each. Objects in buckets; spans of one file in a folder."""

    def __init__(self, shop: Shop) -> None:
        self.store = shop.store
        path = self.store.local_path(paths.journal_file(RUN))
        self.name = paths.journal_file(RUN) if path is not None else self._middle()
        content = self.store.get(self.name)
        self.spans = [(0, len(content))]
        if path is not None:
            with path.open("rb") as file:
                ends = [one.end for one in record.scan(file, len(content), "")]
            self.spans = list(zip([0, *ends], ends, strict=False))
        self.content = content

    def _middle(self) -> str:
        names = [name for name in self.store.names(paths.journal(RUN)) if name.endswith(".arrow")]
        return names[len(names) // 2]

    def flipped(self) -> None:
        """Flip a bit of a record in the middle."""
        start, end = self.spans[len(self.spans) // 2]
        place = (start + end) // 2
        self.store.put(self.name, self.content[:place] + bytes([self.content[place] ^ 4]) + self.content[place + 1 :])

    def truncated(self) -> None:
        """Take the second half of a record in the middle away."""
        start, end = self.spans[len(self.spans) // 2]
        self.store.put(self.name, self.content[: (start + end) // 2] + self.content[end:])

    def missing(self) -> None:
        """Take a whole record in the middle away."""
        start, end = self.spans[len(self.spans) // 2]
        if end - start == len(self.content):
            self.store.delete(self.name)
        else:
            self.store.put(self.name, self.content[:start] + self.content[end:])

    def foreign(self) -> None:
        """Put something else there."""
        start, end = self.spans[len(self.spans) // 2]
        self.store.put(self.name, self.content[:start] + b"\x00" * (end - start) + self.content[end:])

    def repaired(self) -> None:
        """Bring the backup back."""
        self.store.put(self.name, self.content)


DAMAGES = (Damage.flipped, Damage.truncated, Damage.missing, Damage.foreign)


@pytest.mark.parametrize("hows", [DAMAGES[2:3], pytest.param(DAMAGES, marks=pytest.mark.soak)], ids=["missing", "all"])
def test_a_damaged_journal_stops_its_run_and_once_it_is_repaired_the_run_goes_on(
    shop: Shop, hows: Sequence[Callable[[Damage], None]]
) -> None:
    """Exit 1, the damaged object's name and what to do; nothing is called meanwhile; other runs are listed; nothing is lost."""
    assert shop.run() == 1
    shop.open_gate()
    before, damage = shop.calls, Damage(shop)
    for how in hows:
        how(damage)
        for words in (("resume", RUN, "--json"), ("show", RUN), ("why", RUN, "held"), ("fork", RUN, "--at", "last")):
            assert shop(*words) == 1, (how, words)
            assert damage.name.rpartition("/")[2] in shop.err
            assert "help:" in shop.err
        assert shop("ps") == 0
        # In a bucket a list is told from what each run said last of itself; whoever looks at the run itself is told.
        assert ("r1  failed" if shop.url.startswith("s3:") else "r1  damaged") in shop.out
        assert shop("resume", "--due", "--json") == 0
        damage.repaired()
    assert shop.calls == before
    assert shop.resume() == 0
    assert shop.told["outputs"] == DONE
    assert [shop.calls.count(one) for one in ("look mug", "reserve mug", "gate")] == [1, 1, 2]


# In a bucket every time: test_a_damaged_or_missing_payload_is_corruption of tests/journal/test_conformance.py.
@pytest.mark.parametrize("shop", ["folder", pytest.param("s3", marks=pytest.mark.soak)], indirect=True)
def test_a_payload_that_is_gone_or_damaged_is_said_and_once_it_is_back_the_run_goes_on(shop: Shop) -> None:
    """A result of 40 KB stands in an object of its own; without it nobody goes on, and nothing is done again in silence."""
    assert shop.run() == 1
    shop.open_gate()
    store = shop.store
    [name] = store.names(f"runs/{RUN}/blobs")
    content = store.get(name)
    for damaged in (None, content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
        if damaged is None:
            store.delete(name)
        else:
            store.put(name, damaged)
        assert shop.resume() == 1
        assert name.rpartition("/")[2][:12] in shop.err
        assert "help:" in shop.err
    store.put(name, content)
    assert shop.resume() == 0
    assert shop.told["outputs"] == DONE
    assert [shop.calls.count(one) for one in ("look mug", "reserve mug")] == [1, 1]


def test_what_a_run_is_bound_to_is_guarded_too(folder_shop: Shop) -> None:
    """Plan, lock and inputs, gone or broken: exit 1, the object's name, what to do; once it is back the run goes on."""
    assert folder_shop.run() == 1
    folder_shop.open_gate()
    for name in ("plan.yaml", "lock.json", "inputs.json"):
        path = folder_shop.folder / "store" / "runs" / RUN / name
        content = path.read_bytes()
        for damaged in (None, b"", content[: len(content) // 2], b"\xff\xfe\x00", b"[]"):
            if damaged is None:
                path.unlink()
            else:
                path.write_bytes(damaged)
            assert folder_shop.resume() == 1, (name, damaged)
            assert name in folder_shop.err
            assert "help:" in folder_shop.err
        path.write_bytes(content)
    assert folder_shop.resume() == 0
    assert folder_shop.told["outputs"] == DONE
    assert folder_shop.calls.count("reserve mug") == 1


def test_a_write_is_never_repeated_in_silence_wherever_the_end_of_its_journal_is_torn(folder_shop: Shop) -> None:
    """Cut off after each record, or within it: a write whose intent is there is served, or is said to be uncertain."""
    assert folder_shop.run() == 1
    folder_shop.open_gate()
    damage, log = Damage(folder_shop), folder_shop.folder / "log"
    noted = log.read_text(encoding="utf-8")
    intents = 0
    for number, (start, end) in enumerate(damage.spans[1:]):
        log.write_text(noted, encoding="utf-8")
        damage.store.put(damage.name, damage.content[: start if number % 2 else (start + end) // 2])
        intent = b"call_started" in damage.content[:start] and b'"write"' in damage.content[:start]
        code = folder_shop.resume()
        if code and "the gate is shut" in folder_shop.told["error"]:
            code = folder_shop.resume()  # what was cut off is only that the run had failed: it fails again, as on record
        assert folder_shop.calls.count("reserve mug") == (1 if intent else 2), start
        assert code == 0 or "may or may not have happened" in folder_shop.told["error"], start
        intents += intent
    assert intents >= 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 KB; skipped where that isn't allowed."""
    with disk(tmp_path / "disk", "64k") as folder:
        yield folder


@pytest.mark.parametrize("pages", [pytest.param(n, marks=() if n in {5, 8} else pytest.mark.soak) for n in range(1, 13)])
def test_a_disk_that_is_full_at_a_commit_stops_the_run_and_with_room_it_goes_on(
    small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], pages: int
) -> None:
    """So many pages are left when the run begins, so it fills up at one commit or another, or at a payload of 40 KB.

    Exit 1, and that the disk is full; whatever was acknowledged is there; the write is done once, or nobody knows and it is said.
    """
    shop = Shop(tmp_path, capsys, str(small_disk / "store"))
    shop.open_gate()
    filler = small_disk / "filler"
    free = os.statvfs(small_disk)
    filler.write_bytes(bytes((free.f_bavail - pages) * free.f_bsize))
    code = shop.run()
    if code != 0:
        assert code == 1
        assert "the disk is full" in shop.told["error"] or "no space is left" in shop.told["error"], shop.err
        assert "make room" in shop.err
    filler.unlink()
    remount(small_disk, "size=4m")
    code = shop.resume() if (small_disk / "store/runs/r1/inputs.json").exists() else shop.run()
    assert shop.calls.count("reserve mug") <= 1
    assert code == 0 or "may or may not have happened" in shop.told["error"]
    assert shop.calls.count("look mug") <= 2


def test_a_store_that_becomes_read_only_stops_the_run_and_loses_nothing(
    small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 and why; writable again, it goes on."""
    remount(small_disk, "size=4m")
    shop = Shop(tmp_path, capsys, str(small_disk / "store"))
    assert shop.run() == 1
    shop.open_gate()
    remount(small_disk, "ro")
    before = shop.calls
    assert shop.resume() == 1
    assert "read-only" in shop.err.lower()
    assert shop.calls == before
    remount(small_disk, "rw")
    assert shop.resume() == 0
    assert shop.told["outputs"] == DONE
    assert shop.calls.count("reserve mug") == 1
