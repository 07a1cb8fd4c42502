"""What the callables that a spec names look like: read by the caller, handed to the compiler as values."""

from __future__ import annotations

from typing import Literal

from .frozen import Frozen
from .types import MissingType, Record, Type


class Parameter(Frozen):
    """One parameter of a callable."""

    name: str
    type: Type = MissingType.model_construct()
    required: bool = True
    variadic: Literal["no", "args", "kwargs"] = "no"


class Problem(Frozen):
    """Why a name could not be read."""

    kind: Literal["module", "attribute", "import", "timeout", "crash", "unsupported"]
    message: str
    known: tuple[str, ...] = ()


class Signature(Frozen):
    """One name ``module.path:attr`` as it was found in Python.

    ``shape`` is what the name is: a function, a class that is built and then called (``parameters`` are those of its
    constructor, ``called`` the signature of its instances), or a type to be used in ``input:``/``output:``.
    A class that is both a type and callable has both ``type`` and ``called``.
    """

    ref: str
    shape: Literal["function", "class", "type", "unknown"] = "function"
    parameters: tuple[Parameter, ...] = ()
    returns: Type = MissingType.model_construct()
    is_async: bool = False
    doc: str = ""
    type: Type | None = None
    called: Signature | None = None
    fingerprint: str = ""
    problem: Problem | None = None

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name, or None."""
        return next((one for one in self.parameters if one.name == name), None)


class Signatures(Frozen):
    """Everything that was read for one compilation: callables by name, records by name."""

    callables: dict[str, Signature] = {}
    records: dict[str, Record] = {}
    inspected: bool = True
    """False with ``--no-import``: checks that need Python are off."""
