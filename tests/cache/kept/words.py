"""What an agent is asked about."""

from __future__ import annotations

from pydantic import BaseModel


class Word(BaseModel):
    """A word, and a note that no prompt names."""

    word: str
    note: str = ""
