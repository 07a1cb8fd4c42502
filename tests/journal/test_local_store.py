"""A store in a folder keeps objects whole, or says what is wrong."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from darner.runtime.failures import Missing, Refused, StoreError
from darner.runtime.journal.store import open_store
from darner.runtime.ports import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def test_an_object_is_read_back_replaced_and_removed(store: Store) -> None:
    """What put wrote is what get returns, until it is replaced or deleted."""
    store.put("jobs/a/manifest.json", b"one")
    store.put("jobs/a/manifest.json", b"two")
    assert store.get("jobs/a/manifest.json") == b"two"
    assert [store.size(name) for name in ("jobs", "jobs/a/manifest.json", "job", "runs")] == [3, 3, 0, 0]
    store.delete("jobs/a/manifest.json")
    store.delete("jobs/a/manifest.json")
    assert not store.exists("jobs/a/manifest.json")
    with pytest.raises(Missing, match=r"jobs/a/manifest\.json"):
        store.get("jobs/a/manifest.json")


def test_of_racing_creates_exactly_one_wins_and_its_bytes_stay(store: Store) -> None:
    """Eight threads create the same name sixty times over; each time there is one winner, and its content is there."""
    for race in range(60):
        won: list[int] = []
        gate = threading.Barrier(8)

        def one(number: int, race: int = race, won: list[int] = won, gate: threading.Barrier = gate) -> None:
            gate.wait()
            if store.create(f"owners/{race}", str(number).encode()):
                won.append(number)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert store.get(f"owners/{race}") == str(won[0]).encode()


def test_a_large_object_appears_whole_or_not_at_all(store: Store) -> None:
    """A writer whose block fails leaves no object, no matter how much it wrote; one that ends well leaves all of it."""

    def fail_half_way() -> None:
        with store.writer("jobs/a/part") as file:
            file.write(b"half" * 100_000)
            assert not store.exists("jobs/a/part")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert store.names("jobs") == []
    with store.writer("jobs/a/part") as file:
        file.write(b"whole" * 100_000)
    with store.reader("jobs/a/part") as found:
        found.seek(-5, os.SEEK_END)
        assert found.read() == b"whole"


def test_a_writer_passes_its_callers_errors_as_they_are(store: Store) -> None:
    """An OSError of whoever produces the bytes is not blamed on the store."""
    with pytest.raises(FileNotFoundError), store.writer("jobs/a/part"):
        Path("/nowhere/at/all").read_bytes()


def test_temporary_files_are_never_mistaken_for_objects(store: Store, tmp_path: Path) -> None:
    """What a killed process leaves behind starts with a dot and is neither listed nor reachable by name."""
    store.put("runs/r/inputs.json", b"{}")
    (tmp_path / "store/runs/r/.0123.tmp").write_bytes(b"half")
    (tmp_path / "store/runs/.0123.gone").mkdir()
    assert store.names("runs") == ["runs/r/inputs.json"]
    assert store.folders("runs") == ["r"]
    with pytest.raises(Refused):
        store.get("runs/r/.0123.tmp")


def test_names_and_folders_are_sorted_and_empty_where_nothing_is(store: Store) -> None:
    """Listing is ordered, and a folder that isn't there is just empty."""
    for name in ("jobs/b/1/x", "jobs/a/2", "jobs/a/1"):
        store.put(name, b"")
    assert store.names("jobs") == ["jobs/a/1", "jobs/a/2", "jobs/b/1/x"]
    assert store.names("jobs/a/") == ["jobs/a/1", "jobs/a/2"]
    assert store.folders("jobs") == ["a", "b"]
    assert store.names("runs") == store.folders("runs") == []
    store.delete("jobs/a")
    assert store.folders("jobs") == ["b"]


@pytest.mark.parametrize("name", ["../up", "/abs", "a//b", "a/./b", ".hidden", "a\\b"])
def test_a_name_that_climbs_or_hides_is_refused(store: Store, name: str) -> None:
    """No name leads out of the store."""
    with pytest.raises(Refused):
        store.put(name, b"")


def test_a_store_below_a_file_is_refused(tmp_path: Path) -> None:
    """Where the path, or something above it, is a file, there can't be a store."""
    (tmp_path / "file").write_text("x")
    for path in ("file", "file/below"):
        with pytest.raises(Refused, match="is a file"):
            open_store(tmp_path / path)


def test_an_unknown_scheme_is_refused() -> None:
    """An address that nobody here understands says so."""
    with pytest.raises(Refused, match="gopher://"):
        open_store("gopher://x/y")


def test_an_unwritable_folder_says_what_to_do() -> None:
    """A read-only file system gives a StoreError with a reason and help."""
    with pytest.raises(StoreError) as caught:
        open_store("/proc/darner").put("runs/x", b"")
    assert caught.value.help or caught.value.message
