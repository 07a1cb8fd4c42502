"""`darner run`, `resume`, `show`, `ps`: what they print, what they refuse, how they are stopped."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from ..desk import Desk

ORDERS = Path(__file__).parent / "orders"
INPUTS = ["-i", "customer=ada", "-i", 'skus=["ab", "cde"]']


class Orders(Desk):
    """Commands on a store of orders; a run waits until its gate is open."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(folder, capsys)
        self.gate = folder / "gate"

    def run(self, *words: str, run: str = "r1", spec: str = "waiting.yaml") -> int:
        """Run a spec under a name."""
        return self("run", str(ORDERS / spec), "--set", f"gate={self.gate}", "--run", run, *words)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Orders:
    return Orders(tmp_path, capsys)


def test_a_run_fails_is_shown_with_its_place_and_goes_on_after_the_fix(desk: Orders) -> None:
    """Failure is exit 1 with file:line:column; resume keeps what was done; --json is exactly one object; a done run stays done."""
    desk.gate.write_text("broken")
    assert desk.run(*INPUTS, "--user", "ada") == 1
    assert "waiting.yaml:12:5" in desk.err
    assert "ValueError" in desk.err
    assert "darner resume r1" in desk.err
    assert desk("show", "r1") == 0
    assert "wait  failed: orders.waits:until_there raised ValueError: the gate is broken" in desk.out
    desk.gate.write_text("open")
    assert desk("resume", "r1", "--json") == 0
    told = desk.json()
    failures = told.pop("failures")
    assert told == {"run": "r1", "status": "done", "outputs": 2, "cost": "0.00 USD"}
    assert {failure: one["attempts"] for failure, one in failures["classes"].items()} == {"error": 1}
    assert desk("show", "r1", "--json") == 0
    shown = desk.json()
    assert (shown["status"], shown["epochs"], shown["user"]) == ("done", 2, "ada")
    assert [(one["step"], one["calls"][0]["attempts"]) for one in shown["steps"]] == [("split", 1), ("wait", 2)]
    desk.gate.unlink()
    assert desk.run("--json") == 0
    assert desk.json()["outputs"] == 2
    assert desk("ps", "--json") == 0
    assert [(one["run"], one["status"]) for one in desk.json()["runs"]] == [("r1", "done")]


def test_redo_does_a_step_once_more_and_what_depends_on_it(desk: Orders) -> None:
    """A person can ask for a step anew, even of a run that is done; an unknown step is refused."""
    desk.gate.write_text("open")
    assert desk.run(*INPUTS) == 0
    assert desk("resume", "r1", "--redo", "nowhere") == 2
    assert "split, wait" in desk.err
    assert desk("resume", "r1", "--redo", "split", "--json") == 0
    assert desk("show", "r1", "--json") == 0
    # `wait` is decided anew, and its call, whose arguments are equal, is served.
    assert [one["calls"][0]["attempts"] for one in desk.json()["steps"]] == [1, 1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-i", "custmer=ada"], "there is no input custmer"),
        (["-i", "customer=ada"], "skus"),
        (["-i", "customer=ada", "-i", "skus=5"], "skus"),
        (["-i", "customer=ada", "-i", "skus=[a,b]"], """written as JSON, like -i 'skus=["a", "b"]'"""),
        ([*INPUTS, "--set", "gat=1"], "gat"),
        ([*INPUTS, "--target", "nowhere"], "nowhere"),
        ([*INPUTS, "--inputs", "/nowhere.json"], "nowhere.json"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_is_written(desk: Orders, words: list[str], said: str) -> None:
    """Exit 2, the name that is wrong, the names that are known, and no store."""
    assert desk.run(*words) == 2
    assert said in desk.err
    assert "help:" in desk.err
    assert not desk.store.exists()


def test_a_run_is_bound_to_its_spec_and_its_inputs(desk: Orders) -> None:
    """The same id with another spec, other inputs or other parameters is refused; with equal ones it goes on."""
    desk.gate.write_text("open")
    assert desk.run(*INPUTS) == 0
    assert desk.run("-i", "customer=bob", "-i", "skus=[]") == 2
    assert "other inputs" in desk.err
    assert desk.run(*INPUTS) == 0
    assert desk("run", str(ORDERS / "orders.yaml"), "--run", "r1") == 2
    assert "belongs to" in desk.err
    assert desk("resume", "r2") == 2
    assert "r1" in desk.err


def test_a_store_that_is_a_file_is_refused(desk: Orders) -> None:
    """Exit 2, and the file stays as it is."""
    desk.store.write_text("mine")
    assert desk.run(*INPUTS) == 2
    assert "is a file" in desk.err
    assert desk.store.read_text() == "mine"


def test_a_damaged_journal_is_told_apart_and_hides_no_other_run(desk: Orders) -> None:
    """One flipped byte: resume and show fail with the file's name, and ps still lists everything."""
    desk.gate.write_text("open")
    assert desk.run(*INPUTS) == 0
    assert desk.run(*INPUTS, run="r2") == 0
    journal = desk.store / "runs/r1/journal/records.darner"
    content = bytearray(journal.read_bytes())
    content[len(content) // 2] ^= 1
    journal.write_bytes(content)
    assert desk("show", "r1") == 1
    assert "records.darner" in desk.err
    assert desk("resume", "r1") == 1
    assert "damaged" in desk.err
    assert desk("ps") == 0
    assert "r1  damaged" in desk.out
    assert "r2  done" in desk.out


def wait_until_running(desk: Orders, run: str) -> None:
    journal = desk.store / "runs" / run / "journal/records.darner"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b"call_made"):
            return
        time.sleep(0.05)
    raise AssertionError(run)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_names_the_way_on_and_a_second_owner_is_told_of_the_first(desk: Orders, stop: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end at once, even while a callable blocks; SIGKILL says nothing; each time resume goes on."""
    given = ["run", str(ORDERS / "waiting.yaml"), "--set", f"gate={desk.gate}", "--run", "r1", *INPUTS]
    with desk.start(*given) as process:
        wait_until_running(desk, "r1")
        assert desk("resume", "r1") == 2
        assert f"held by process {process.pid} on" in desk.err
        assert desk("ps") == 0
        assert "r1  running  held by" in desk.out
        process.send_signal(stop)
        _, told = process.communicate(timeout=60)
    if stop is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert "darner resume r1" in told
    assert desk("ps") == 0
    assert "r1  interrupted" in desk.out
    desk.gate.write_text("open")
    assert desk("resume", "r1", "--json") == 0
    assert desk.json()["outputs"] == 2
    assert desk("show", "r1", "--json") == 0
    assert desk.json()["steps"][0]["calls"][0]["attempts"] == 1
