"""What is written beside a model's shared limits for people who look at them: which model it is, what is declared of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ....compiler.permits import host_of
from ....compiler.plan import ModelPlan
from ....compiler.quantities import RateLimit
from ....compiler.settings import ModelRate

_SHOWN = 300
_SECRET = "$secrets."  # noqa: S105 - how a spec names one


@dataclass(frozen=True, slots=True)
class About:
    """A model as its spec names it, the host that it is reached at, and this machine's part of its declared rate."""

    use: str = ""
    host: str = ""
    rate: ModelRate = field(default_factory=ModelRate)

    def content(self) -> bytes:
        """Return it as a line of JSON."""
        rate: dict[str, Any] = {"concurrency": self.rate.concurrency}
        for name in ("requests", "tokens"):
            limit: RateLimit | None = getattr(self.rate, name)
            rate[name] = None if limit is None else [limit.amount, limit.seconds]
        return json.dumps({"use": self.use[:_SHOWN], "host": self.host[:_SHOWN], "rate": rate}).encode() + b"\n"


def about(written: ModelPlan, bound: ModelPlan, rate: ModelRate) -> About:
    """Return what may be told of a model: of what a secret is in, only how it is written."""
    use, url = (
        str(own if own is not None and _SECRET in own else now or "")
        for own, now in ((written.use, bound.use), (written.base_url, bound.base_url))
    )
    return About(use, host_of(url), rate)


def read(content: bytes) -> About:
    """Return what was written; nothing where that can't be read, or another darner wrote none."""
    try:
        told = json.loads(content.partition(b"\n")[0])
        limits = {name: RateLimit(*told["rate"][name]) for name in ("requests", "tokens") if told["rate"][name]}
        return About(str(told["use"]), str(told["host"]), ModelRate(concurrency=told["rate"]["concurrency"], **limits))
    except (ValueError, TypeError, KeyError):
        return About()
