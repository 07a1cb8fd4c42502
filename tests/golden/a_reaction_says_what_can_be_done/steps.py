"""What the spec beside this file names."""


def rank(word: str) -> int:
    return len(word)
