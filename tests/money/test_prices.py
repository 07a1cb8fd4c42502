"""What models cost: a spec's own price first, then what is known of well-known models; unknown where a cost is limited is an error."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from darner.compiler.diagnostics import CompileError
from darner.compiler.plan import Compiled, Lock
from darner.compiler.settings import Price
from darner.runtime.amounts import cost
from darner.runtime.project.load import compile_spec
from darner.runtime.project.prices import known_prices

SPEC = """
darner: 1
name: priced
models:
  one: {{use: "{use}"{more}}}
agents:
  seller: {{model: one, prompt: "Describe {{{{ input }}}}.", input: str, output: str}}
flow:
  budget: {{cost: 1.00 USD}}
  inputs: str
  steps:
    ask: {{use: seller, with: {{input: $inputs}}}}
  outputs: $ask
"""
MIDSUMMER = 1_782_000_000.0
TIERED = Price.model_validate(
    {"input": "1 USD", "output": "10 USD", "cache_read": "0.10 USD", "above": {"tokens": 200_000, "input": "2 USD", "output": "15 USD"}}
)


def compiled(folder: Path, use: str, more: str = "") -> Compiled:
    (folder / "spec.yaml").write_text(SPEC.format(use=use, more=more))
    return compile_spec(folder / "spec.yaml")


def test_a_well_known_models_price_is_known_and_kept_with_the_run(tmp_path: Path) -> None:
    """It stands in the lock, not in the plan: a plan's text doesn't vary with a table. The lock is read back as it was written."""
    made = compiled(tmp_path, "openai:gpt-5-mini")
    assert made.plan.models["one"].price is None
    price = made.lock.prices["one"]
    assert (price.input, price.output, price.cache_read) == (Decimal("0.25"), Decimal("2.00"), Decimal("0.025"))
    assert Lock.model_validate_json(made.lock.model_dump_json()) == made.lock


def test_a_price_of_the_spec_counts_before_a_known_one(tmp_path: Path) -> None:
    """And a model that isn't asked at its provider's own address is somebody else's: nothing is known of what it costs."""
    assert compiled(tmp_path, "openai:gpt-5-mini", ", price: {input: 9 USD, output: 9 USD}").lock.prices == {}
    with pytest.raises(CompileError, match="E512"):
        compiled(tmp_path, "openai:gpt-5-mini", ", base_url: 'http://127.0.0.1:1/v1'")
    with pytest.raises(CompileError, match="E512"):
        compiled(tmp_path, "openai:nobody-knows-this-one")


def test_a_table_says_what_long_requests_cost_and_the_days_highest_price() -> None:
    """Google's price doubles above 200,000 tokens; DeepSeek's is lower at night."""
    known = known_prices(["google:gemini-2.5-pro", "deepseek:deepseek-chat", "ollama:x", "openai:nobody"], MIDSUMMER)
    assert set(known) == {"google:gemini-2.5-pro", "deepseek:deepseek-chat"}
    above = known["google:gemini-2.5-pro"].above
    assert above is not None
    assert (above.tokens, known["google:gemini-2.5-pro"].input, above.input) == (200_000, Decimal("1.25"), Decimal("2.50"))
    assert known["deepseek:deepseek-chat"].input == Decimal("0.27")


@pytest.mark.parametrize(
    ("sent", "came", "read", "money"),
    [
        (200_000, 1_000, 0, "0.21"),
        (200_001, 1_000, 0, "0.415002"),
        (100_000, 0, 60_000, "0.046"),
        (200_001, 0, 1, "0.400002"),
        (0, 3, 0, "0.00003"),
    ],
)
def test_what_a_request_costs_is_exact(sent: int, came: int, read: int, money: str) -> None:
    """In decimals, never in floats; a long request costs the other price from its first token on."""
    assert cost(TIERED, sent, came, cache_read=read) == Decimal(money)
    assert cost(None, sent, came) == 0
