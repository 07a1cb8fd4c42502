"""What becomes of a run that is under way when its spec or its code has changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["safe", "redoes", "pinned", "asks again", "fails"]


@dataclass(frozen=True, slots=True)
class InFlight:
    """One run, and what taking it up now would do."""

    run: str
    status: str
    verdict: Verdict
    redoes: int
    """Finished calls that would be made once more, at most."""
    writes: tuple[str, ...]
    """Those of them that write."""
    asks_again: tuple[str, ...]
    pinned: bool
    """Its plan or its prompts are not those of the new spec: it keeps its own."""
    error: str | None = None
    renewed: InFlight | None = None
    """Of a pinned run: what `darner resume RUN --plan new` would do instead."""

    def __str__(self) -> str:
        """Return it as one line."""
        instead = f"; with --plan new: {self.renewed.told()}" if self.renewed is not None else ""
        return f"{self.run}  {self.status}  {self.told()}{'; pinned' if self.pinned and self.verdict != 'pinned' else ''}{instead}"

    def told(self) -> str:
        """Return the verdict in words."""
        among = f", writes among them: {', '.join(self.writes)}" if self.writes else ""
        return {
            "safe": "safe",
            "redoes": f"redoes up to {self.redoes} calls{among}",
            "pinned": "pinned to the plan that it was started with",
            "asks again": f"asks again: {', '.join(self.asks_again)}",
            "fails": f"fails: {self.error}",
        }[self.verdict]


def judged(  # noqa: PLR0913 - what is known of one run, by name
    run: str,
    status: str,
    *,
    unasked: Collection[str],
    writes: tuple[str, ...],
    asks_again: tuple[str, ...],
    pinned: bool,
    fails: str | None,
) -> InFlight:
    """Return the verdict on one run: the worst that would happen to it."""
    verdict: Verdict = "fails" if fails else "asks again" if asks_again else "redoes" if unasked else "pinned" if pinned else "safe"
    return InFlight(run, status, verdict, len(unasked), writes, asks_again, pinned, fails)


def as_json(told: InFlight) -> dict[str, Any]:
    """Return it as JSON."""
    return asdict(told)
