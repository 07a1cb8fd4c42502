"""What the headers of providers' answers say of their limits."""

from __future__ import annotations

import pytest

from darner.compiler.quantities import RateLimit
from darner.runtime.quotas import Allowed, allowed


def _openai(limit: str, left: str, reset: str, what: str = "requests") -> dict[str, str]:
    return {f"x-ratelimit-limit-{what}": limit, f"x-ratelimit-remaining-{what}": left, f"x-ratelimit-reset-{what}": reset}


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        (_openai("5000", "4999", "12ms"), RateLimit(5000, 60)),
        (_openai("10000", "9999", "8.64s"), RateLimit(10000, 86_400)),
        (_openai("60", "30", "30s"), RateLimit(60, 60)),
        (_openai("200", "100", "12h0m0s"), RateLimit(200, 86_400)),
        (_openai("3600", "0", "1h0m0s"), RateLimit(3600, 3600)),
        (_openai("100", "100", "0s"), RateLimit(100, 60)),
        ({"x-ratelimit-limit-requests": "100"}, RateLimit(100, 60)),
        ({"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49"}, RateLimit(50, 60)),
        ({"x-ratelimit-limit-requests": "many"}, None),
        ({"x-ratelimit-limit-requests": "0"}, None),
        ({"x-ratelimit-limit-requests": "nan"}, None),
        ({"x-ratelimit-limit-requests": "-5"}, None),
        (_openai("60", "30", "soon"), RateLimit(60, 60)),
        ({}, None),
    ],
)
def test_a_limit_and_its_window_are_read(headers: dict[str, str], known: RateLimit | None) -> None:
    """How long the window is follows from how long what was used takes to come back; nonsense says nothing."""
    assert allowed(headers) == Allowed(known, None)


def test_tokens_are_told_apart_from_requests() -> None:
    """OpenAI's and Anthropic's names."""
    both = _openai("100", "99", "600ms") | _openai("40000", "39000", "1.5s", "tokens")
    assert allowed(both) == Allowed(RateLimit(100, 60), RateLimit(40000, 60))
    assert allowed({"anthropic-ratelimit-tokens-limit": "80000"}).tokens == RateLimit(80000, 60)
