"""A module that can't be imported."""

LIMITS = {"small": 1}
LIMIT = LIMITS["large"]
