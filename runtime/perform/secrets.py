"""Secrets, read from the environment at the moment of use, never kept in a plan, a journal or a message."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from ..failures import Refused
from ..ports import Secrets

MASK = "[secret]"
SHORTEST = 4
"""Letters below which a value is none that could be kept secret: masking it would make texts unreadable, and give it away."""


class EnvironmentSecrets:
    """Secrets as environment variables of their own names; ``environment`` is given in tests."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def get(self, name: str) -> str:
        """Return a secret's value; `Refused` names a missing or empty one and says how to set it."""
        value = self._environment.get(name, "")
        if not value:
            msg = f"the secret {name} is not set"
            raise Refused(msg, help=f"set it where darner runs: export {name}=…")
        return value


def known(secrets: Secrets, names: Iterable[str]) -> tuple[str, ...]:
    """Return the values of those of ``names`` that are set: what `redact` takes."""
    values = set[str]()
    for name in names:
        try:
            values.add(secrets.get(name))
        except Refused:
            continue
    return tuple(sorted(values))


def redact(text: str, values: Iterable[str]) -> str:
    """Return ``text`` with every secret value in it masked, the longest first; what is very short is left (see `SHORTEST`)."""
    hidden = sorted((one for one in values if len(one) >= SHORTEST), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, hidden)), MASK, text) if hidden else text
