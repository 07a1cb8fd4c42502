"""A worker's error on its way through Beam, which carries nothing but text."""

from __future__ import annotations

import base64
import json
import re
import traceback

from ..failures import Crashed, DarnerError, Fenced, StoreError

_MARK = re.compile(r"<darner:([A-Za-z0-9+/=]+)>")
_KINDS: dict[str, type[DarnerError]] = {one.__name__: one for one in (StoreError, Fenced, Crashed)}


def passed_on(error: Exception) -> RuntimeError:
    """Return an error that Beam may quote, cut lines off, or put into another one: `heard` finds it again.

    What isn't darner's own, a package that this worker lacks for example, is no end of a process: it is told as what it is.
    """
    if not isinstance(error, DarnerError):
        error = Crashed(
            f"a worker failed: {type(error).__name__}: {error}", help="what was finished is kept; mend it, and run it again to go on"
        )
    kind = next((name for name, one in _KINDS.items() if isinstance(error, one)), DarnerError.__name__)
    words = json.dumps([kind, error.message, error.help])
    return RuntimeError(f"<darner:{base64.b64encode(words.encode()).decode()}>")


def heard(raised: BaseException) -> DarnerError | None:
    """Return the worker's error that is in what Beam raised; None where a worker just died."""
    found = _MARK.search("".join(traceback.format_exception(raised)))
    if found is None:
        return None
    kind, message, help_text = json.loads(base64.b64decode(found[1]))
    return _KINDS.get(kind, DarnerError)(message, help=help_text)
