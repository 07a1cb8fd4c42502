"""Child processes: what they answer, how they die, and what their deaths are called."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from darner.runtime.failures import CallableError, Crashed, OutOfMemory, Refused
from darner.runtime.perform.processes.children import Child, ChildPool, ChildTask, ProcessId
from darner.runtime.perform.processes.memory import ControlGroup, Enforcement, guard

MIB = 1 << 20
TARGETS = """
import os, signal, subprocess, sys, time
from darner.runtime.failures import Refused

def echo(request):
    print("a print that must not reach the pipe")
    return request

def pid(request):
    return os.getpid()

def allocate(request):
    if request == 0:
        return "small"
    held = []
    for _ in range(request):
        held.append(b"x" * (1 << 20))
    time.sleep(0.3)
    return "survived"

def grandchild(request):
    code = f"held = b'x' * ({request} << 20); import time; time.sleep(60)"
    subprocess.run([sys.executable, "-c", code])
    return "survived"

def raise_memory_error(request):
    raise MemoryError

def die(request):
    if isinstance(request, int):
        os.kill(os.getpid(), request)
        time.sleep(60)
    return "alive"

def fail(request):
    if request == "ours":
        raise Refused("not like that", help="do it otherwise")
    raise LookupError("no such thing")

def sleep(request):
    time.sleep(request)

class Counter:
    def __init__(self, setup):
        self.count = setup["start"]
    def __call__(self, request):
        self.count += 1
        return self.count

def threads(request):
    return os.environ["OMP_NUM_THREADS"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "targets.py").write_text(TARGETS)
    return str(tmp_path)


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
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_bare_kill_is_never_called_out_of_memory(folder: str, number: signal.Signals, how: Enforcement | None) -> None:
    """Without evidence a death is a crash, and the next call has a new process."""
    with Child(_task(folder, "die", memory=1024 * MIB, enforcement=how)) as child:
        with pytest.raises(Crashed, match=number.name):
            child.call(int(number))
        assert child.call("again") == "alive"


def test_a_module_that_is_not_there_is_the_callers_error(folder: str) -> None:
    """The message names the module, and there is no traceback."""
    with Child(_task(folder, "nothing")) as child, pytest.raises(CallableError, match="nothing"):
        child.call(None)


def test_workers_share_the_cores(folder: str) -> None:
    """Numeric libraries are told how many threads they may start."""
    with Child(_task(folder, "threads", threads=3)) as child:
        assert child.call(None) == "3"


def test_a_pool_uses_its_children_again(folder: str) -> None:
    """Equal processes answer one call after another."""
    with ChildPool(_task(folder, "pid"), size=2) as pool:
        assert len({pool.call(None) for _ in range(6)}) == 1


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
        identity = ProcessId(owner.pid, psutil.Process(owner.pid).create_time())
        with Child(_task(folder, "pid", owner=identity)) as child:
            pid = child.call(None)
            owner.kill()
            owner.wait()
            assert _gone(pid)


def test_groups_of_killed_processes_are_swept(tmp_path: Path) -> None:
    """A control group that a killed parent left behind goes when the next one is made."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        held = guard(process.pid, 512 * MIB)
        process.kill()
    if not isinstance(held, ControlGroup):
        pytest.skip("no control group can be made on this machine")
    left = held.folder.parent / f"darner-{_unused_pid()}-0"
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
