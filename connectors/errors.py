"""What a connector raises. It stands alone so that the command knows it without loading pyarrow."""

from __future__ import annotations


class ConnectorError(Exception):
    """The system behind a connector can't do what was asked; ``help`` says what to do next."""

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002 - the word of the diagnostics
        super().__init__(message)
        self.message = message
        self.help = help


class NoTable(ConnectorError):
    """The system is there, and the table isn't."""
