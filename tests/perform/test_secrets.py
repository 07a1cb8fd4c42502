"""Secrets in texts that people, models and journals are told."""

from __future__ import annotations

import pytest

from darner.runtime.perform.secrets import EnvironmentSecrets, known, redact


@pytest.mark.parametrize(
    ("values", "text", "told"),
    [
        ({"KEY": "sk-12345"}, "wrong key sk-12345!", "wrong key [secret]!"),
        ({"A": "sk-1", "B": "sk-12345"}, "sk-12345 sk-1", "[secret] [secret]"),
        ({"A": "secret", "B": "sk-12345"}, "sk-12345 secret", "[secret] [secret]"),
        ({"A": "a+b.*"}, "a+b.* aab", "[secret] aab"),
        ({"KEY": "e"}, "the server said: later", "the server said: later"),
        ({"KEY": "x", "TOKEN": "sk-12345"}, "xerox sk-12345", "xerox [secret]"),
        ({"KEY": "none"}, "none", "[secret]"),
        ({}, "nothing to hide", "nothing to hide"),
    ],
)
def test_a_text_is_told_without_secrets_and_stays_readable(values: dict[str, str], text: str, told: str) -> None:
    """The longest first, each once; a key of a letter or three, which a server of one's own takes, masks nothing."""
    assert redact(text, known(EnvironmentSecrets(values), values)) == told
