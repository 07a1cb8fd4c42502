"""A resolver from a table, which can also fail: for tests of what happens when names can't be resolved."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class TableResolver:
    """Knows the names in ``names``; the first ``failing`` questions fail as if no name server could be reached.

    ``asked`` are the names that it was asked for, in order. An address is its own.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    failing: int = 0
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002 - the shape of `ports.Resolver`
        """Return the address of a name."""
        self.asked.append(host)
        if len(self.asked) <= self.failing:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host in self.names:
            return [self.names[host]]
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
