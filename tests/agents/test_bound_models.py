"""Models whose entries name parameters and secrets: where they are reached, which they are, how they are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.compiler.plan import ModelPlan, Plan
from darner.compiler.spec import Policy
from darner.runtime.cli.main import run as darner
from darner.runtime.failures import Refused
from darner.runtime.meaning import fingerprint, model_meaning
from darner.runtime.perform.agents.models import Models
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.testing import ModelServer

from .world import run

SPEC = """\
darner: 1
name: moved
params:
  url: {type: str}
  size: {type: str, default: large}
  heat: {type: float, default: 0.5}
secrets: [KEY]
models:
  small: {use: "openai:scripted-${params.size}", base_url: $params.url, secret: KEY, params: {temperature: $params.heat}}
agents:
  greeter: {model: small, prompt: "Greet {{ name }}", input: kinds:Name, output: str}
flow:
  inputs: kinds:Name
  steps: {greet: {use: greeter, with: $inputs}}
  outputs: $greet
"""


def test_a_model_is_reached_where_a_parameter_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its address, its name and its settings are the run's, over the wire too."""
    monkeypatch.setenv("KEY", "k")
    (tmp_path / "kinds.py").write_text("from pydantic import BaseModel\n\n\nclass Name(BaseModel):\n    name: str\n")
    (tmp_path / "moved.yaml").write_text(SPEC)
    with ModelServer("replies: [{text: Hello}]") as server:
        words = ["--set", f"url={server.base_url}", "--set", "heat=0.25", "-i", "name=Ada", "--store", str(tmp_path / "store")]
        assert darner(["run", str(tmp_path / "moved.yaml"), *words]) == 0, capsys.readouterr().err
        [body] = server.bodies
    assert (body["model"], body["temperature"]) == ("scripted-large", 0.25)


def test_a_secret_may_stand_in_a_models_settings() -> None:
    """It is read when the model is first needed, and never before."""
    plan = ModelPlan(use="openai:x", base_url="$secrets.WHERE", params={"extra_headers": {"X-Key": "$secrets.WHERE"}})
    bound = Models({"a": plan}, secrets=EnvironmentSecrets({"WHERE": "http://there/v1"})).plan("a")
    assert (bound.base_url, bound.params) == ("http://there/v1", {"extra_headers": {"X-Key": "http://there/v1"}})
    with pytest.raises(Refused, match="WHERE"):
        Models({"a": plan}, secrets=EnvironmentSecrets({})).plan("a")


def test_what_a_run_does_not_know_is_refused_by_name() -> None:
    """A plan from elsewhere may name what this run has no value for."""
    models = Models({"a": ModelPlan(use="openai:x", base_url="http://${params.host}/v1")}, secrets=EnvironmentSecrets({}), params={"h": 1})
    with pytest.raises(Refused, match="the model a names 'host'"):
        models.plan("a")


def test_another_value_of_a_models_parameter_is_another_meaning() -> None:
    """Answers at one temperature are no answers at another; where a server stands means nothing."""
    plan = Plan(plan="p", models={"a": ModelPlan(use="openai:x", base_url="$params.url", params={"temperature": "$params.heat"})})
    told = [
        fingerprint(model_meaning(plan, params, "a")) for params in ({"heat": 1, "url": 1}, {"heat": 2, "url": 1}, {"heat": 1, "url": 2})
    ]
    assert told[0] == told[2] != told[1]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy(models=("openai:small",)), "the model a is openai:huge, which is not among policy.models openai:small"),
        (
            Policy(egress=("llm.example.com",)),
            "the model a is reached at elsewhere.example, which is not among policy.egress llm.example.com",
        ),
    ],
)
def test_a_parameter_does_not_lead_around_the_policy(policy: Policy, said: str) -> None:
    """The compiler can't know what a parameter will say: the policy is held when the run begins."""
    plan = ModelPlan(use="openai:${params.m}", base_url="https://${params.host}/v1")
    params = {"m": "huge", "host": "elsewhere.example"}
    with pytest.raises(Refused, match=said):
        Models({"a": plan}, secrets=EnvironmentSecrets({}), params=params, policy=policy).plan("a")
    fine = {"m": "small", "host": "llm.example.com"}
    assert Models({"a": plan}, secrets=EnvironmentSecrets({}), params=fine, policy=policy).plan("a").use == "openai:small"


def test_a_new_key_asks_nothing_anew() -> None:
    """What identifies a request holds a secret's name and not its value: a resume after a key was changed is served."""
    sent = {"params": {"extra_headers": {"X-Key": "$secrets.KEY"}, "temperature": 0.5}}
    first = run("replies: [{answer: {text: fine}}]", model_changes=sent, secrets={"KEY": "the-old-one"})
    kept = first.boundary.recorded
    kept.results = {call: value for call, value in kept.results.items() if "used" not in value}
    assert len(kept.results) == 1
    assert run("replies: [{text: never}]", model_changes=sent, secrets={"KEY": "the-new-one"}, recorded=kept).requests == 0
    assert "the-old-one" not in repr(first.boundary.asked)
    assert {"X-Key": "$secrets.KEY"} in [one.arguments["params"]["extra_headers"] for one in first.boundary.asked if one.kind == "model"]
