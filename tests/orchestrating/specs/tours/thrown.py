"""Code that raises, and code that catches."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from darner import Call, Failure


class Shelf(Enum):
    """Where things are."""

    LOW = 1


class SoldOut(Exception):
    """Takes what no exception takes by itself."""

    def __init__(self, *, sku: str, left: int) -> None:
        super().__init__(f"{sku} is sold out")
        self.sku = sku
        self.left = left
        self.add_note("look on Monday")


class Held(Exception):
    """Holds what isn't JSON."""

    def __init__(self, text: str, holding: object) -> None:
        super().__init__(text)
        self.holding = holding


class Missing(FileNotFoundError):
    """A file of ours; its own arguments are others than its parent's."""

    def __init__(self, name: str) -> None:
        super().__init__(2, "missing", name)


class Price(BaseModel):
    """What is checked."""

    amount: int


def blow(log: str, how: str) -> str:
    """Raise, and note it."""
    if log:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"blow {how}\n")
    globals()[how]()
    return how


def chain() -> None:
    """Raise from a cause that has a cause."""
    try:
        try:
            Path("/nowhere/at/all").read_text(encoding="utf-8")
        except OSError as error:
            raise KeyError("deep", 7) from error
    except KeyError as error:
        raise ValueError("no such thing", 3, {"a": [1, None]}) from error


def keywords() -> None:
    """Raise an exception whose ``__init__`` takes names only."""
    raise SoldOut(sku="mug", left=0)


def builtin() -> None:
    """Raise an exception that C fills."""
    b"\xff".decode()


def missing() -> None:
    """Raise an exception whose arguments aren't those of its ``__init__``."""
    raise Missing("plan.yaml")


def tagged() -> None:
    """Raise with arguments that JSON has no words for."""
    raise RuntimeError((1, 2), {"x"}, b"\x00", Decimal("1.50"), dt.date(2026, 1, 2), Path("a/b"), Shelf.LOW, {1: "one"}, 2**70, UUID(int=7))


def several() -> None:
    """Raise several at once."""
    raise ExceptionGroup("both", [ValueError("one"), ExceptionGroup("inner", [SoldOut(sku="pan", left=1)])])


def checked() -> None:
    """Raise what pydantic raises."""
    Price.model_validate({"amount": "a lot"})


def local() -> None:
    """Raise an exception that nobody else can import."""

    class Hidden(ValueError):
        pass

    raise Hidden("hidden", 1)


def holding() -> None:
    """Raise with an attribute that can't be kept."""
    raise Held("held", object())


def opaque() -> None:
    """Raise with an argument that can't be kept."""
    raise ValueError("before", Price(amount=3))


def large() -> None:
    """Raise with more than is kept of an exception."""
    raise ValueError("x" * 1_000_000)


def leave() -> None:
    """Try to end the process."""
    raise SystemExit(3)


def after() -> str:
    """Come after all that."""
    return "after"


async def observe(cases: list[str], near: Call[Any, str], far: Call[Any, str], after: Call[Any, str]) -> list[Any]:
    """Return what each case raises: here, from a tool in this process, from one in a child."""
    found = []
    for case in cases:
        seen = []
        try:
            blow("", case)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, is shown
            seen.append(told(error))
        for tool in (near, far):
            try:
                await tool(how=case)
            except Exception as error:  # noqa: BLE001 - whatever it is, is shown
                seen.append(told(error))
        found.append(seen)
    await after()
    return found


def told(error: BaseException | None) -> Any:
    """Return what can be seen of an exception."""
    if error is None:
        return None
    ours = ("message", "help", "type_name") if isinstance(error, Failure) else vars(error)
    state = {key: getattr(error, key) for key in ours if not key.startswith("_")}
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "args": repr(error.args),
        "text": str(error)[:200],
        "state": repr(state) if not isinstance(error, ExceptionGroup) else "",
        "names": repr([getattr(error, name, None) for name in ("errno", "filename", "start", "reason")]),
        "notes": [note for note in getattr(error, "__notes__", []) if not note.startswith("raised at")],
        "cause": told(error.__cause__),
        "context": type(error.__context__).__name__ if error.__cause__ is None else "",
        "members": [told(one) for one in error.exceptions] if isinstance(error, BaseExceptionGroup) else [],
    }
