"""Looking at user code in a child process: whatever it does on import, the answer is a value."""

from __future__ import annotations

import time
from pathlib import Path

from darner.compiler.signature import Signatures
from darner.compiler.types import describe
from darner.runtime.project.inspection import inspect_callables


def look(folder: Path, files: dict[str, str], *refs: str, limit: float = 30.0) -> Signatures:
    """Write modules and inspect names of theirs."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return inspect_callables(refs, folder, limit=limit)


def shown(found: Signatures, ref: str) -> str:
    """Return a signature in one line."""
    one = found.callables[ref]
    called = one.called or one
    taken = ", ".join(f"{parameter.name}: {describe(parameter.type)}" for parameter in called.parameters)
    return f"{'async ' if called.is_async else ''}({taken}) -> {describe(called.returns)}"


def test_a_module_that_hangs_costs_only_its_own_names(tmp_path: Path) -> None:
    """The message names the module, the others are read, and the process is gone."""
    files = {
        "hanging_i.py": "import time\nwhile True:\n    time.sleep(0.1)\n",
        "fine_i.py": "def f(x: int) -> str:\n    return str(x)\n",
    }
    before = time.monotonic()
    found = look(tmp_path, files, "hanging_i:x", "fine_i:f", "hanging_i:y", limit=3.0)
    assert time.monotonic() - before < 60
    problem = found.callables["hanging_i:x"].problem
    assert problem is not None
    assert problem.kind == "timeout"
    assert problem.message == "importing hanging_i took longer than 3 s"
    assert found.callables["hanging_i:y"].problem == problem
    assert shown(found, "fine_i:f") == "(x: int) -> str"


def test_a_module_that_kills_its_process_costs_only_its_own_names(tmp_path: Path) -> None:
    """Exit, os._exit and a signal alike."""
    files = {
        "exiting_i.py": "raise SystemExit('no display')\n",
        "leaving_i.py": "import os, sys\nprint('nothing to see', file=sys.stderr)\nos._exit(3)\n",
        "killed_i.py": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
        "fine_i.py": "def f() -> None: ...\n",
    }
    found = look(tmp_path, files, "exiting_i:x", "leaving_i:x", "killed_i:x", "fine_i:f")
    messages = {ref: one.problem.message for ref, one in found.callables.items() if one.problem is not None}
    assert messages == {
        "exiting_i:x": "importing exiting_i raised SystemExit: no display (exiting_i.py:1)",
        "leaving_i:x": "importing leaving_i ended the process with exit code 3: nothing to see",
        "killed_i:x": "importing killed_i ended the process with signal 9: nothing on stderr",
    }
    assert shown(found, "fine_i:f") == "() -> None"


def test_what_user_code_prints_is_not_the_protocol(tmp_path: Path) -> None:
    """Not by print, not by the file descriptor, not by a child of its own; and it has no stdin to wait for."""
    text = (
        "import os, subprocess, sys\n"
        "print('{\"signature\": 1}')\n"
        "os.write(1, b'garbage\\n')\n"
        "subprocess.run(['echo', 'garbage'])\n"
        "assert sys.stdin.read() == ''\n"
        "def f(x: int) -> int:\n    return x\n"
    )
    assert shown(look(tmp_path, {"loud_i.py": text}, "loud_i:f"), "loud_i:f") == "(x: int) -> int"


def test_a_broken_import_says_where(tmp_path: Path) -> None:
    """The user's own file and line, for errors, syntax errors, and imports inside of imports."""
    files = {
        "syntax_i.py": "def f(:\n",
        "deep_i.py": "import deeper_i\n",
        "deeper_i.py": "\n\nimport not_there_i\n",
    }
    found = look(tmp_path, files, "syntax_i:f", "deep_i:f")
    messages = {ref: one.problem.message for ref, one in found.callables.items() if one.problem is not None}
    assert messages["syntax_i:f"].endswith("(syntax_i.py:1)")
    assert messages["deep_i:f"] == "importing deep_i failed: No module named 'not_there_i' (deeper_i.py:3)"


def test_the_modules_of_the_spec_come_first(tmp_path: Path) -> None:
    """A module beside the spec is taken before one of the environment, and leaves darner's own imports alone."""
    files = {"yaml.py": "def f() -> bool: ...\n", "types.py": "raise RuntimeError\n"}
    assert shown(look(tmp_path, files, "yaml:f"), "yaml:f") == "() -> bool"


def test_signatures_are_read_as_python_means_them(tmp_path: Path) -> None:
    """Defaults, keyword-only, variadic, wrapped, partial, methods, instances, classes, future annotations."""
    text = """
from __future__ import annotations
import functools
from typing import TYPE_CHECKING, Any, Literal
if TYPE_CHECKING:
    from nowhere import Thing

def wraps(fn):
    @functools.wraps(fn)
    def inner(*args, **kwargs):
        return fn(*args, **kwargs)
    return inner

@wraps
def wrapped(x: int, *, y: str = "") -> list[str]: ...
part = functools.partial(wrapped, y="b")
async def waits(x: dict[str, int]) -> tuple[int, ...]: ...
def lazy(x: Thing, y: int) -> Literal["a", "b"]: ...
def bare(x, y=1): ...
def many(*args: int, **kwargs: str) -> None: ...
class Once:
    def __init__(self, dim: int = 3) -> None: ...
    def __call__(self, rows: list[str]) -> list[int]: ...
once = Once()
class Group:
    @staticmethod
    def inside(x: float) -> Any: ...
"""
    refs = ["wrapped", "part", "waits", "lazy", "bare", "many", "Once", "once", "Group.inside"]
    found = look(tmp_path, {"sigs_i.py": text}, *(f"sigs_i:{one}" for one in refs))
    assert {ref: shown(found, f"sigs_i:{ref}") for ref in refs} == {
        "wrapped": "(x: int, y: str) -> list[str]",
        "part": "(x: int, y: str) -> list[str]",
        "waits": "async (x: dict[str, int]) -> list[int]",
        "lazy": "(x: Thing, y: int) -> a | b",
        "bare": "(x: unannotated, y: unannotated) -> unannotated",
        "many": "(args: int, kwargs: str) -> None",
        "Once": "(rows: list[str]) -> list[int]",
        "once": "(rows: list[str]) -> list[int]",
        "Group.inside": "(x: float) -> Any",
    }
    assert found.callables["sigs_i:Once"].shape == "class"
    assert [one.name for one in found.callables["sigs_i:Once"].parameters] == ["dim"]
    assert [one.required for one in found.callables["sigs_i:bare"].parameters] == [True, False]


def test_types_are_read_as_python_means_them(tmp_path: Path) -> None:
    """Pydantic models, dataclasses, TypedDicts, Enums, aliases, recursion, marks."""
    text = """
import dataclasses, datetime, decimal, enum
from typing import Annotated, Literal, NewType, NotRequired, Optional, TypedDict, Union
import pydantic
from darner import Ask, Bail, Call, Code, Continue, Personal, Stop

class Colour(enum.Enum):
    RED = "red"
class Odd(enum.Enum):
    A = object()
class Node(pydantic.BaseModel):
    name: str
    mail: Personal[str] = ""
    program: Code
    inner: "Node | None" = None
    colour: Colour
    score: Annotated[int, pydantic.Field(gt=0)] = 1
@dataclasses.dataclass
class Line:
    amount: decimal.Decimal
    when: datetime.date = dataclasses.field(default_factory=datetime.date.today)
class Loose(TypedDict):
    a: int
    b: NotRequired[str]
Kind = Literal["a", "b"]
Ids = list[NewType("Id", int)]
def f(a: Optional[Node], b: Union[int, str], c: Call[..., int], d: Call[Node, Line], e: Ask[bool]) -> \
    Continue[Node] | Stop[Node] | Bail: ...
"""
    found = look(tmp_path, {"types_i.py": text}, *(f"types_i:{one}" for one in ("Node", "Line", "Loose", "Kind", "Ids", "Odd", "f")))
    fields = {
        ref.partition(":")[2]: {one.name: (describe(one.type), one.required, one.personal) for one in record.fields}
        for ref, record in found.records.items()
    }
    assert fields == {
        "Node": {
            "name": ("str", True, False),
            "mail": ("str", False, True),
            "program": ("Code", True, False),
            "inner": ("Node | None", False, False),
            "colour": ("red", True, False),
            "score": ("int", False, False),
        },
        "Line": {"amount": ("decimal", True, False), "when": ("date", False, False)},
        "Loose": {"a": ("int", True, False), "b": ("str", False, False)},
    }
    types = {ref: describe(one.type) for ref, one in found.callables.items() if one.type is not None}
    assert types["types_i:Kind"] == "a | b"
    assert types["types_i:Ids"] == "list[int]"
    assert found.callables["types_i:Odd"].type is not None
    assert shown(found, "types_i:f") == (
        "(a: Node | None, b: int | str, c: Call[..., int], d: Call[Node, Line], e: Ask[bool]) -> Continue[Node] | Stop[Node] | Bail"
    )


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    """No compiled files beside the user's own."""
    look(tmp_path, {"clean_i.py": "def f() -> None: ...\n"}, "clean_i:f")
    assert [path.name for path in tmp_path.iterdir()] == ["clean_i.py"]


_KILLED_ONCE = """
import os, signal
from pathlib import Path

here = Path(__file__).with_name("killed")
if not here.exists():
    here.touch()
    for handle in range(3, 20):
        try:
            os.write(handle, b'{"signature": {"ref": "killed_o')
        except OSError:
            pass
    os.kill(os.getpid(), signal.SIGKILL)


def f(x: int) -> str:
    return str(x)
"""


def test_a_child_that_somebody_kills_in_the_middle_of_a_word_is_started_again(tmp_path: Path) -> None:
    """No module is blamed for it, and half a message is no message."""
    found = look(tmp_path, {"killed_once_i.py": _KILLED_ONCE}, "killed_once_i:f")
    assert (tmp_path / "killed").exists()
    assert shown(found, "killed_once_i:f") == "(x: int) -> str"
