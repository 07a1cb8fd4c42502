"""Every finding the compiler can make, by its stable code; `darner explain` reads it."""

from __future__ import annotations

from collections.abc import Mapping

from . import flows, jobs, names, policy, prompts, python, safety, shape, text
from .code import Code

CODES: Mapping[str, Code] = {
    **text.CODES,
    **shape.CODES,
    **names.CODES,
    **python.CODES,
    **policy.CODES,
    **flows.CODES,
    **jobs.CODES,
    **prompts.CODES,
    **safety.CODES,
}
"""Codes are never given a new meaning. A code that is no longer used is taken out and not used again."""
