"""Agents' answers, shared: by what the prompt names, at no cost, and only as long as prompt and model are the same."""

from __future__ import annotations

from pathlib import Path

from darner.testing import ModelServer

from .desk import Desk

SPEC = """\
# An agent whose answers everybody shares.
darner: 1
name: words

models:
  small: {{use: "openai:gpt-5-mini", base_url: "{url}", price: {{input: 1 USD, output: 2 USD}}}}

agents:
  classify: {{model: small, prompt: "{prompt}", input: kept.words:Word, output: str, cache: shared, limits: {{turns: 2}}}}

flow:
  inputs: kept.words:Word
  steps:
    kind: {{use: classify, with: $inputs}}
  outputs: $kind
"""
SCRIPT = """\
replies:
  - when: {text: 'kind'}
    answer: a noun
"""


def write(desk: Desk, url: str, prompt: str = "What kind of word is {{ word }}?") -> Path:
    """Write the spec."""
    place = desk.folder / "words.yaml"
    place.write_text(SPEC.format(url=url, prompt=prompt))
    return place


def test_an_answer_is_shared_by_what_the_prompt_names(desk: Desk) -> None:
    """Another note is the same question and costs nothing; another word, and another prompt, are asked."""
    script = desk.folder / "script.yaml"
    script.write_text(SCRIPT)
    with ModelServer(script) as server:
        spec = write(desk, server.base_url)

        def ask(run: str, word: str, note: str) -> str:
            assert desk("run", str(spec), "-i", f"word={word}", "-i", f"note={note}", "--run", run, "--json") == 0, desk.err
            told: str = desk.json()["cost"]
            return told

        assert ask("r1", "tree", "green") != "0.00 USD"
        assert ask("r2", "tree", "brown") == "0.00 USD"
        assert server.requests == 1
        ask("r3", "house", "brown")
        assert server.requests == 2
        spec = write(desk, server.base_url, "Of what kind is {{ word }}?")
        ask("r4", "tree", "green")
        assert server.requests == 3
    assert desk("show", "r2", "--json") == 0
    [step] = desk.json()["steps"]
    assert (step["hits"], step["requests"], step["calls"][0]["source"]) == (1, 0, "cache")
