"""A person at a terminal is asked there and then: the command on a real pseudo-terminal, typed at."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .office import TRADE, Office

# The terminal becomes the one that controls the process, so that Ctrl-C typed there is an interrupt.
COMMAND = "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);from darner.runtime.cli.main import main; main(sys.argv[1:])"
PATIENCE = 120.0


class Terminal:
    """A command that runs on a terminal of its own. Its results go to a file, as with ``> file``."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.seen = ""
        self._master = master

    def expect(self, text: str) -> None:
        """Wait until a text is on the screen, after what was expected before."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} never came; there is: {self.seen}")
            self._read(0.2)
        self.seen = self.seen.partition(text)[2]

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        with suppress(OSError):  # the other end is closed
            new = os.read(self._master, 4096) if ready else b""
            self.seen += new.decode(errors="replace").replace("\r\n", "\n")
            return bool(new)
        return False

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def ends(self) -> int:
        """Wait for the end, and return the exit code."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.2)
        while self._read(0.0):
            pass
        return self.process.wait(1)


@contextmanager
def terminal(office: Office, *words: str) -> Iterator[Terminal]:
    """Start a command on a terminal."""
    master, slave = pty.openpty()
    with (office.folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words, "--store", str(office.store)],
            stdin=slave, stdout=out, stderr=slave, start_new_session=True,
        )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def trade(office: Office) -> list[str]:
    """Return the words that run the trade."""
    return ["run", str(TRADE / "trade.yaml"), "-i", "what=mugs", "--set", f"log={office.log}", "--run", "r1"]


def out(folder: Path) -> str:
    """Return what the command printed as its result."""
    return (folder / "out").read_text(encoding="utf-8")


def test_a_person_at_the_terminal_answers_there_wrongly_first_and_the_run_goes_on(office: Office) -> None:
    """The reason and what would fit are said, and the question stays; an empty line is nothing; the next question follows."""
    with terminal(office, *trade(office)) as screen:
        screen.expect("How many mugs do you want?")
        screen.expect("> ")
        screen.type("three\n")
        screen.expect("must be an object")
        screen.expect("> ")
        screen.type('{"count": 200}\n')
        screen.expect("count must be at most 99")
        screen.expect("> ")
        screen.type("\n")
        screen.expect("> ")
        screen.type('{"count": 3}\n')
        screen.expect("Buy 3 of mugs?")
        screen.expect("> ")
        screen.type("approve\n")
        assert screen.ends() == 0
    assert '"bought": "3 mugs"' in out(office.folder)
    assert [line.split()[0] for line in office.effects] == ["send", "send", "buy"]


def test_ctrl_c_at_a_question_leaves_a_run_that_goes_on_with_the_same_question(office: Office) -> None:
    """One line says how to go on, no traceback; nobody is told twice; what was half typed is nothing."""
    with terminal(office, *trade(office)) as screen:
        screen.expect("> ")
        screen.type('{"cou')
        screen.type("\x03")
        assert screen.ends() == 130
        assert "darner resume r1" in screen.seen
        assert "Traceback" not in screen.seen
    question = office.state().waits.open[0].question
    with terminal(office, "resume", "r1") as screen:
        screen.expect(question)
        screen.expect("> ")
        screen.type('{"count": 2}\n')
        screen.expect("Buy 2 of mugs?")
        screen.expect("> ")
        screen.type("\x04")  # the end of input: whoever sat there has gone
        assert screen.ends() == 3
        assert "darner answer r1" in screen.seen
    assert [line for line in office.effects if line.startswith("send customer")] == ["send customer 0 How many mugs do you want?"]


def test_an_answer_from_elsewhere_counts_where_it_is_first(office: Office) -> None:
    """Whoever types after that is shown it, and the run goes on with the first."""
    with terminal(office, *trade(office)) as screen:
        screen.expect("> ")
        assert office("answer", "r1", '{"count": 5}') == 0
        screen.type('{"count": 6}\n')
        screen.expect('answered {"count": 5}')
        screen.expect("Buy 5 of mugs?")
        screen.expect("> ")
        screen.type("deny too many\n")
        assert screen.ends() == 1
        assert "desk denied buy: too many" in screen.seen
