"""A check that wants too much."""


def many(a: str, b: str, c: str) -> bool:
    return a == b == c
