"""Child processes: what they answer, how they die, and what their deaths are called."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from darner.runtime.failures import CallableError, Crashed, Exhausted, OutOfMemory, Preempted, Refused
from darner.runtime.perform.processes.children import Child, ChildTask, ProcessId
from darner.runtime.perform.processes.groups import ControlGroup, control_group
from darner.runtime.perform.processes.memory import Enforcement, Watchdog, guard
from darner.runtime.perform.processes.scratch import Scratch

MIB = 1 << 20


@pytest.fixture
def folder() -> str:
    """Return where `targets` is."""
    return str(Path(__file__).parent / "targets")


def _task(folder: str, name: str, **more: object) -> ChildTask:
    return ChildTask(target=f"targets:{name}", sys_path=(folder,), **more)  # type: ignore[arg-type] # the test's own words


def test_a_child_answers_and_what_user_code_prints_stays_off_the_pipe(folder: str) -> None:
    """Values come back as they went, whatever the callable prints meanwhile."""
    value = {"text": "line one\nline two é", "numbers": [1, 2.5, None, True]}
    with Child(_task(folder, "echo")) as child:
        assert [child.call(value) for _ in range(3)] == [value] * 3


def test_a_target_with_setup_is_built_once_a_process(folder: str) -> None:
    """What is built stays for all calls of the process."""
    with Child(_task(folder, "Counter", setup={"start": 10})) as child:
        assert [child.call(None) for _ in range(3)] == [11, 12, 13]


def test_what_the_callable_raises_arrives_with_its_type_and_the_process_lives_on(folder: str) -> None:
    """A failure of user code is a reply, not a death; ours keep their class and help."""
    with Child(_task(folder, "fail")) as child:
        with pytest.raises(CallableError) as foreign:
            child.call("theirs")
        with pytest.raises(Refused) as ours:
            child.call("ours")
    assert foreign.value.type_name == "LookupError"
    assert "no such thing" in foreign.value.message
    assert "targets.py" in (foreign.value.help or "")
    assert (ours.value.message, ours.value.help) == ("not like that", "do it otherwise")


@pytest.mark.parametrize("how", [None, "watchdog"])
def test_a_child_that_really_goes_over_its_memory_is_out_of_memory_and_the_next_call_works(folder: str, how: Enforcement | None) -> None:
    """The promise is enforced by a control group or by the watchdog, and both leave evidence."""
    with Child(_task(folder, "allocate", memory=160 * MIB, enforcement=how)) as child:
        with pytest.raises(OutOfMemory, match="160 MiB"):
            child.call(600)
        assert child.call(0) == "small"


@pytest.mark.parametrize("how", [None, "watchdog"])
def test_what_a_child_starts_counts_as_its_memory(folder: str, how: Enforcement | None) -> None:
    """A grandchild can't escape the promise."""
    with Child(_task(folder, "grandchild", memory=200 * MIB, enforcement=how)) as child, pytest.raises(OutOfMemory):
        child.call(600)


def test_a_memory_error_is_out_of_memory(folder: str) -> None:
    """The reserved exit code says so."""
    with Child(_task(folder, "raise_memory_error")) as child, pytest.raises(OutOfMemory):
        child.call(None)


@pytest.mark.parametrize("how", [None, "watchdog"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_bare_kill_is_never_called_out_of_memory(folder: str, number: signal.Signals, how: Enforcement | None) -> None:
    """Without evidence a death is a crash, and the next call has a new process."""
    with Child(_task(folder, "die", memory=1024 * MIB, enforcement=how)) as child:
        with pytest.raises(Crashed, match=number.name):
            child.call(int(number))
        assert child.call("again") == "alive"


def test_a_death_by_a_signal_without_a_name_is_a_crash_like_others(folder: str) -> None:
    """Most of those for real-time have none."""
    with Child(_task(folder, "die")) as child, pytest.raises(Crashed, match="killed by signal 40"):
        child.call(40)


def test_a_child_that_was_asked_to_leave_is_preempted(folder: str) -> None:
    """SIGTERM is how platforms take a machine away; it is no crash, and no out of memory."""
    with Child(_task(folder, "die", memory=1024 * MIB)) as child:
        with pytest.raises(Preempted, match="SIGTERM"):
            child.call(int(signal.SIGTERM))
        assert child.call("again") == "alive"


def test_a_module_that_is_not_there_is_the_callers_error(folder: str) -> None:
    """The message names the module, and there is no traceback."""
    with Child(_task(folder, "nothing")) as child, pytest.raises(CallableError, match="nothing"):
        child.call(None)


def test_workers_share_the_cores(folder: str) -> None:
    """Numeric libraries are told how many threads they may start."""
    with Child(_task(folder, "threads", threads=3)) as child:
        assert child.call(None) == "3"


PARENT = """
import sys, threading
from darner.runtime.perform.processes.children import Child, ChildTask, ProcessId

def main():
    if sys.argv[2] == "thread":  # the thread that makes the first call ends before the parent does
        child = Child(ChildTask(target="targets:pid", sys_path=(sys.argv[1],)))
        caller = threading.Thread(target=lambda: print(child.call(None), flush=True))
        caller.start(); caller.join()
        print("same" if child.call(None) else "", flush=True)
    child = Child(ChildTask(target="targets:pid", sys_path=(sys.argv[1],)))
    print(child.call(None), flush=True)
    busy = Child(ChildTask(target="targets:sleep", sys_path=(sys.argv[1],)))
    busy.call(60)

main()
"""


@pytest.fixture(scope="module")
def groups() -> None:
    """Skip where no control group can be made."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        made = control_group(process.pid, None)
        process.kill()
    if made is None:
        pytest.skip("no control group can be made on this machine")
    made.close()


ORPHANING = """
import sys
from darner.runtime.perform.processes.children import Child, ChildTask

child = Child(ChildTask(target="targets:leave_behind", sys_path=(sys.argv[1],)))
child.call({"file": sys.argv[2], "stays": 60})
"""


@pytest.mark.usefixtures("groups")
def test_what_the_children_of_a_killed_process_left_ends_when_the_next_child_begins(folder: str, tmp_path: Path) -> None:
    """A process that left session and parent outlives whoever could have ended it; its group is found."""
    there = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", ORPHANING, folder, str(there)]) as parent:
        while not there.exists():
            time.sleep(0.01)
        parent.kill()
    with Child(_task(folder, "pid")) as child:
        child.call(None)
    assert _gone(int(there.read_text()))


def _gone(pid: int, within: float = 20) -> bool:
    deadline = time.monotonic() + within
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_no_child_outlives_a_parent_that_is_killed(folder: str) -> None:
    """SIGKILL leaves no orphan, idle or busy."""
    with subprocess.Popen([sys.executable, "-c", PARENT, folder, ""], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        first = int(parent.stdout.readline())
        while len(children := psutil.Process(parent.pid).children()) < 2:
            time.sleep(0.05)
        pids = [first, *(child.pid for child in children)]
        parent.kill()
    assert all(_gone(pid) for pid in pids)


def test_a_child_survives_the_thread_that_first_called_it(folder: str) -> None:
    """The kernel watches the thread that started a process; callers come and go."""
    with subprocess.Popen([sys.executable, "-c", PARENT, folder, "thread"], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
        assert parent.stdout.readline().strip() == "same"
        parent.kill()


def test_a_child_ends_with_its_owner_though_its_own_parent_lives(folder: str) -> None:
    """A driver further up is killed: the child doesn't wait for the worker between them to notice."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as owner:
        identity = ProcessId.of(owner.pid)
        with Child(_task(folder, "pid", owner=identity)) as child:
            pid = child.call(None)
            owner.kill()
            owner.wait()
            assert _gone(pid)


def test_a_process_stays_the_same_when_the_machines_clock_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its age is counted from the machine's start: else all workers would believe that their driver is gone."""
    me = ProcessId.mine()
    for one in Path("/proc").iterdir():
        if one.name != "stat":
            (tmp_path / one.name).symlink_to(one)
    later = re.sub(r"(?m)^btime (\d+)", lambda found: f"btime {int(found[1]) + 60}", Path("/proc/stat").read_text())
    (tmp_path / "stat").write_text(later)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert me.alive()
    assert not ProcessId(me.pid, (me.started or 0) + 1).alive()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        gone = ProcessId.of(ended.pid)
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert not gone.alive(), "a zombie"
        assert not ProcessId.of(ended.pid).alive(), "asked for when it was one"
    assert not gone.alive()
    assert not ProcessId.of(ended.pid).alive()


def test_a_process_may_end_while_its_tree_is_looked_at() -> None:
    """The watchdog finds nothing then, and raises nothing: its looker is a thread that must not die of it."""
    for _ in range(150):
        with subprocess.Popen(["sleep", "0.002"]) as process, ThreadPoolExecutor(1) as threads:
            guarded, ended = Watchdog(process.pid, None), threads.submit(process.wait)
            while not ended.done():
                guarded.members()


def test_groups_of_killed_processes_are_swept(tmp_path: Path) -> None:
    """A control group that a killed parent left behind goes when the next one is made."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        held = guard(process.pid, 512 * MIB)
        process.kill()
    if not isinstance(held, ControlGroup):
        pytest.skip("no control group can be made on this machine")
    left = held.folder.with_name(held.folder.name.replace(f"-{os.getpid()}-", f"-{_unused_pid()}-"))
    left.mkdir()
    held.close()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        other = guard(process.pid, 512 * MIB)
        process.kill()
    other.close()
    assert not left.exists()
    assert not held.folder.exists()


def _unused_pid() -> int:
    return next(pid for pid in range(4_000_000, 4_100_000) if not psutil.pid_exists(pid))


WAYS = [None, "watchdog"]


@pytest.mark.parametrize("how", WAYS)
def test_a_call_that_is_given_up_ends_with_all_that_it_started(folder: str, tmp_path: Path, how: Enforcement | None) -> None:
    """A grandchild that left session and parent is found all the same, by its group or by its mark."""
    there = tmp_path / "pid"
    child = Child(_task(folder, "leave_behind", enforcement=how))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(child.call, {"file": str(there), "stays": 60})
        while not there.exists():
            time.sleep(0.01)
        child.close()
        with pytest.raises(Crashed):
            waiting.result(30)
    assert _gone(int(there.read_text()))


def test_what_a_call_leaves_running_ends_with_the_call(folder: str, tmp_path: Path) -> None:
    """Where the child is tidy, its process is not used again: nothing of one call goes on beside the next one."""
    there = tmp_path / "pid"
    with Child(_task(folder, "leave_behind", is_tidy=True)) as child:
        first = child.call({"file": str(there), "stays": 0})
        assert _gone(int(there.read_text()))
        there.unlink()
        assert child.call({"file": str(there), "stays": 0}) != first


@pytest.mark.parametrize("how", WAYS)
def test_a_death_is_noticed_though_a_copy_of_the_process_holds_its_pipes(folder: str, tmp_path: Path, how: Enforcement | None) -> None:
    """Nobody waits for an end of file that doesn't come."""
    there = tmp_path / "pid"
    with Child(_task(folder, "fork_and_die", enforcement=how)) as child, pytest.raises(Crashed, match="SIGKILL"):
        child.call(str(there))
    assert _gone(int(there.read_text()))


@pytest.mark.parametrize("stays", [0, 60])
def test_writing_more_than_the_disk_that_was_promised_ends_the_process(folder: str, stays: int) -> None:
    """It is seen while the call goes on, and where it was too quick for that, when it ends."""
    with Child(_task(folder, "write_scratch", disk=2 * MIB)) as child:
        where, found = child.call({"bytes": MIB, "stays": 0})
        assert found == []
        with pytest.raises(Exhausted, match="disk of 2 MiB"):
            child.call({"bytes": 3 * MIB, "stays": stays})
        assert not Path(where).exists()
        other, found = child.call({"bytes": MIB, "stays": 0})
        assert found == []
    assert not Path(other).exists()


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("below", [False, True])
def test_temporary_files_without_a_name_count_as_well(folder: str, below: bool, how: Enforcement | None) -> None:
    """``tempfile.TemporaryFile`` leaves no entry in any folder; a process that keeps one open is not used again."""
    with Child(_task(folder, "write_nameless", disk=2 * MIB, enforcement=how)) as child:
        first = child.call({"bytes": MIB, "stays": 0, "below": below})
        again = child.call({"bytes": MIB, "stays": 0, "below": below})
        assert (again == first) is below
        with pytest.raises(Exhausted, match="disk of 2 MiB"):
            child.call({"bytes": 3 * MIB, "stays": 60 if below else 0, "below": below})


@contextmanager
def _somebody() -> Iterator[None]:
    """Be a user whom permissions concern."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_what_is_left_read_only_is_removed_as_well() -> None:
    """Tools lock their caches against writing: the next call finds nothing of them, and no disk is lost with the folder."""
    with _somebody():
        scratch = Scratch.make(MIB)
        locked = scratch.folder / "modules" / "one"
        locked.mkdir(parents=True)
        (locked / "source").write_text("x")
        elsewhere = scratch.folder.with_name(f"{scratch.folder.name}-elsewhere")
        elsewhere.mkdir(mode=0o750)
        (scratch.folder / "link").symlink_to(elsewhere)
        planted = scratch.folder.with_name(scratch.folder.name.replace(f"-{os.getpid()}-", f"-{_unused_pid()}-"))
        planted.symlink_to(elsewhere)
        for folder in (locked, locked.parent, scratch.folder):
            folder.chmod(0o500)
        scratch.clear()
        left = list(scratch.folder.iterdir())
        locked.mkdir(parents=True)
        locked.parent.chmod(0)
        scratch.close()
        Scratch.make(MIB).close()  # which sweeps
        planted.unlink()
        assert left == []
        assert not scratch.folder.exists()
        assert elsewhere.stat().st_mode & 0o777 == 0o750, "what a link leads to is nobody's affair here"
        elsewhere.rmdir()


def test_a_file_with_several_names_counts_once() -> None:
    """Hard links take no disk: tools that copy by linking stay within what was promised."""
    scratch = Scratch.make(2 * MIB)
    try:
        (scratch.folder / "one").write_bytes(b"x" * MIB)
        (scratch.folder / "below").mkdir()
        for number in range(3):
            os.link(scratch.folder / "one", scratch.folder / "below" / str(number))
        assert MIB <= scratch.used() < 2 * MIB
        assert not scratch.exceeded()
    finally:
        scratch.close()


def test_a_call_finds_nothing_of_the_one_before_in_its_scratch_folder(folder: str) -> None:
    """What is written there belongs to one call."""
    with Child(_task(folder, "write_scratch", disk=2 * MIB)) as child:
        assert [child.call({"bytes": MIB, "stays": 0})[1] for _ in range(4)] == [[]] * 4


def test_results_of_any_size_come_whole(folder: str) -> None:
    """Larger than every pipe, and requests too."""
    with Child(_task(folder, "large")) as child:
        assert len(child.call(30 * MIB)) == 30 * MIB
    with Child(_task(folder, "echo")) as child:
        assert child.call("y" * 10 * MIB) == "y" * 10 * MIB


@pytest.mark.parametrize("what", ["exit", "interrupt", "generator"])
def test_what_ends_processes_ends_a_call(folder: str, what: str) -> None:
    """The child says so, and lives on."""
    with Child(_task(folder, "interrupt")) as child:
        for _ in range(2):
            with pytest.raises(CallableError):
                child.call(what)


def test_a_process_that_closes_its_pipes_has_crashed(folder: str) -> None:
    """Nobody waits for an answer that can't come."""
    with Child(_task(folder, "close_everything")) as child, pytest.raises(Crashed):
        child.call(None)
