"""A tool that runs what a model wrote."""

from darner import Code


def run_python(code: Code) -> str:
    return code
