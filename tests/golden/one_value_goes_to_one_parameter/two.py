"""A callable that needs two values."""


def both(first: str, second: str) -> str:
    return first + second
