"""What a policy permits: models by name or pattern, hosts by name, wildcard, port or path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/]*@)?(?P<host>\[[^\]]*\]|[^/:?#]+)(?::(?P<port>\d+))?(?P<path>/[^?#]*)?", re.IGNORECASE
)


def model_permitted(allowed: Sequence[str] | None, name: str, use: str) -> bool:
    """Return whether ``policy.models`` has a model, by the name of its entry or by what it uses; None allows all."""
    return allowed is None or any(fnmatchcase(use, one) or one == name for one in allowed)


def host_permitted(allowed: Sequence[str] | None, wanted: str) -> bool:
    """Return whether ``policy.egress`` has a host or URL; None allows all."""
    return allowed is None or any(covers(one, wanted) for one in allowed)


def host_of(wanted: str) -> str:
    """Return the host of a URL, or the text itself where it has none."""
    found = _HOST.match(wanted)
    return found["host"] if found is not None else wanted


def covers(rule: str, wanted: str) -> bool:
    """Return whether a rule (a host, ``*.host``, with an optional port and path) allows a host or URL."""
    allowed, asked = _HOST.match(rule), _HOST.match(wanted)
    if allowed is None or asked is None:
        return False
    host = fnmatchcase(asked["host"].lower(), allowed["host"].lower())
    port = allowed["port"] is None or allowed["port"] == asked["port"]
    path = (allowed["path"] or "/").rstrip("/")
    asked_path = asked["path"] or "/"
    return host and port and (not path or asked_path == path or asked_path.startswith(f"{path}/"))
