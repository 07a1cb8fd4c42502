"""What each key of the language means, with an example: said in help lines, in the JSON Schema and in the reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..text.scalars import resolve

_PLAIN = re.compile(r"[A-Za-z0-9_./$]([A-Za-z0-9_./$%:;@+ -]*[A-Za-z0-9_./$%;@+-])?")


class Word(NamedTuple):
    """One key: what it is, and a value as it is written in YAML (as plain dicts, lists and scalars)."""

    meaning: str
    example: Any


def word(model: str, key: str) -> Word | None:
    """Return what is known of a key of the model of that name."""
    return WORDS.get(f"{model}.{key}")


def example(model: str, key: str) -> str | None:
    """Return an example of a key as a line of YAML, like ``timeout: 30s``."""
    found = word(model, key)
    return f"{key}: {written(found.example)}" if found else None


def written(value: Any) -> str:
    """Return a value in YAML's flow style, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if not isinstance(value, str) or _stays_text(value) else f'"{value}"'


def _stays_text(text: str) -> bool:
    """Whether a text needs no quotes, wherever it stands."""
    return _PLAIN.fullmatch(text) is not None and ": " not in text and resolve(text) == text


_CALLABLE = "shop.steps:rank"
_SHAPE = "shop.types:Product"
_ON_FAILURE = Word("what to do about each class of failure", {"network": {"attempts": 5, "backoff": "1s..60s"}})
_EXTENDS = "an entry of the same section whose keys are copied; a key written here replaces the whole value"
_VERSION = Word("raise it to leave cached results behind", 2)
_CACHE = Word("where results are shared: off, run, user or shared", "run")
_WITH = Word("the arguments: literals and references, by name", {"query": "$plan.query", "limit": 50})
_RESOURCES = Word("the name of an entry of resources", "light")
_TIMEOUT = Word("how long one attempt of one call may take", "30s")
_BUDGET = Word("bounds on all of it together", {"cost": "0.40 USD"})
_MEMORY = Word("the most memory that the process gets; enforced", "512Mi")
_CPU = Word("processors; a wish", 2)

WORDS: Mapping[str, Word] = {
    "Spec.darner": Word("the version of the language", 1),
    "Spec.name": Word("the spec's name; a library has none", "hello"),
    "Spec.description": Word("what the spec is for", "Answers questions about the weather."),
    "Spec.imports": Word("libraries whose entries may be used here", ["models.yaml"]),
    "Spec.params": Word("values that are set when a run starts", {"index": {"type": "str", "default": "./index"}}),
    "Spec.secrets": Word("names of secrets; their values are read by the runtime only", ["OPENAI_API_KEY"]),
    "Spec.policy": Word("maxima that nothing in the file may pass", {"max_cost": "5 USD", "max_memory": "16Gi"}),
    "Spec.defaults": Word("settings for everything in this file", {"timeout": "30s"}),
    "Spec.models": Word("models and how they are reached", {"small": {"use": "openai:gpt-5-mini", "secret": "OPENAI_API_KEY"}}),
    "Spec.datasets": Word("rows somewhere", {"feed": {"use": "files", "type": _SHAPE, "key": "id", "with": {"url": "feed.parquet"}}}),
    "Spec.resources": Word("what processes get", {"light": {"cpu": 0.5, "memory": "512Mi"}}),
    "Spec.tools": Word("callables with declared effects, and MCP servers", {"search": {"use": "shop.tools:search", "effects": "read"}}),
    "Spec.agents": Word(
        "models with a prompt, typed input and output",
        {"planner": {"model": "small", "prompt": "prompts/plan.j2", "input": "shop.types:Request", "output": "shop.types:Plan"}},
    ),
    "Spec.humans": Word("people who are asked", {"desk": {"ask": "May I?", "timeout": "4h"}}),
    "Spec.flow": Word("steps that wires put in order", {"steps": {"rank": {"use": _CALLABLE}}, "outputs": "$rank"}),
    "Spec.job": Word(
        "rows from a source through stages into a sink",
        {"source": "feed", "stages": [{"name": "clean", "use": "shop.batch:clean"}], "sink": {"to": "index"}},
    ),
    "Param.type": Word("str, int, float or bool", "str"),
    "Param.default": Word("the value where none is set; without it, one must be set", "./index"),
    "Param.choices": Word("the only values that may be set", ["small", "large"]),
    "Param.help": Word("a line for people", "where the index is"),
    "Policy.max_memory": Word("the most memory that any process may be given, rungs included", "16Gi"),
    "Policy.max_gpus": Word("the most devices that any process may be given", 4),
    "Policy.gpu_types": Word("the devices that may be asked for", ["l4", "a100"]),
    "Policy.max_cost": Word("the most money that a run may spend", "5 USD"),
    "Policy.models": Word("the models that may be used", ["openai:gpt-5-mini"]),
    "Policy.egress": Word("the hosts that may be reached", ["llm.example.com"]),
    "Policy.tiers": Word("tiers in order; calls may only go right", ["coordinator", "researcher"]),
    "Policy.sandbox": Word("the cages that generated code may run in", ["monty"]),
    "Policy.forbid_effects": Word("effects that no tool may have", ["write"]),
    "Policy.retention": Word("how long what a run stores may be kept", "30d"),
    "Defaults.timeout": _TIMEOUT,
    "Defaults.resources": _RESOURCES,
    "Defaults.cache": _CACHE,
    "Defaults.model": Word("the model of agents that name none", "small"),
    "Defaults.on_failure": _ON_FAILURE,
    "Model.extends": Word(_EXTENDS, "small"),
    "Model.use": Word("provider:model, or a callable that makes one", "openai:gpt-5-mini"),
    "Model.base_url": Word("where the provider is reached, if not at its usual place", "https://llm.example.com/v1"),
    "Model.secret": Word("the secret that holds the key", "OPENAI_API_KEY"),
    "Model.params": Word("settings passed to the provider", {"temperature": 0}),
    "Model.rate": Word("what the provider allows", {"requests": "300/min", "tokens": "400000/min"}),
    "Model.price": Word("money for a million tokens", {"input": "0.15 USD", "output": "0.60 USD"}),
    "Model.fallback": Word("the model to use where this one fails", "small"),
    "ModelRate.requests": Word("requests in a time", "300/min"),
    "ModelRate.tokens": Word("tokens in a time", "400000/min"),
    "ModelRate.concurrency": Word("requests at the same time", 8),
    "Price.input": Word("for a million tokens that are sent", "0.15 USD"),
    "Price.output": Word("for a million tokens that come back", "0.60 USD"),
    "Price.cache_read": Word(
        "for a million tokens of input that the provider's cache serves; as input costs where it isn't said", "0.015 USD"
    ),
    "Price.cache_write": Word(
        "for a million tokens of input that the provider's cache keeps; as input costs where it isn't said", "0.1875 USD"
    ),
    "Price.above": Word(
        "what requests cost that send more than so many tokens", {"tokens": 200000, "input": "0.30 USD", "output": "0.90 USD"}
    ),
    "PriceAbove.tokens": Word("the most tokens that a request sends at the ordinary price", 200000),
    "PriceAbove.input": Word("for a million tokens that are sent", "0.30 USD"),
    "PriceAbove.output": Word("for a million tokens that come back", "0.90 USD"),
    "PriceAbove.cache_read": Word("for a million tokens of input that the provider's cache serves", "0.03 USD"),
    "PriceAbove.cache_write": Word("for a million tokens of input that the provider's cache keeps", "0.375 USD"),
    "Dataset.use": Word("a connector, or a callable", "files"),
    "Dataset.type": Word("the type of one row", _SHAPE),
    "Dataset.key": Word("the field that names a row", "product_id"),
    "Dataset.with": Word("what the connector is told", {"url": "${params.feed}"}),
    "Dataset.snapshot": Word("full: all rows, a missing one is deleted; changes: only rows that changed", "full"),
    "Dataset.deleted": Word("the field that marks a row as deleted", "is_deleted"),
    "Resources.extends": Word(_EXTENDS, "light"),
    "Resources.cpu": _CPU,
    "Resources.memory": _MEMORY,
    "Resources.gpu": Word("devices; counted against those of the machine, assigned to nobody", {"type": "l4", "count": 1}),
    "Resources.no_gpu": Word("the entry to use where there is no device", "cpu"),
    "Resources.disk": Word("scratch space", "20Gi"),
    "Resources.spot": Word("whether a machine that may be taken away will do", example=True),
    "Resources.image": Word("the container image", "shop/worker:7"),
    "Resources.workers": Word("processes at the same time; a wish", 4),
    "Resources.on_oom": Word("what to try, one after the other, when memory runs out", [{"memory": "8Gi"}, {"memory": "16Gi"}]),
    "Rung.cpu": _CPU,
    "Rung.memory": _MEMORY,
    "Rung.gpu": Word("devices", {"type": "a100", "count": 1}),
    "Rung.disk": Word("scratch space", "40Gi"),
    "Rung.batch": Word("rows in one call, for a stage", 128),
    "Gpu.type": Word("the kind of device", "l4"),
    "Gpu.count": Word("how many", 1),
    "Tool.extends": Word(_EXTENDS, "search"),
    "Tool.use": Word("the function", "shop.tools:search"),
    "Tool.mcp": Word("an MCP server whose tools are meant", {"command": ["gh-mcp"], "tools": ["create_issue"]}),
    "Tool.with": Word("arguments that are always the same", {"index": "$datasets.products"}),
    "Tool.effects": Word("pure: nothing outside; read: looks outside; write: changes it", "read"),
    "Tool.idempotent": Word("whether the same call twice is the same as once", example=True),
    "Tool.reconcile": Word("a function that finds out whether a call that broke off was done", "shop.tools:was_reserved"),
    "Tool.approval": Word("the human who must approve each call", "desk"),
    "Tool.cache": _CACHE,
    "Tool.version": _VERSION,
    "Tool.sandbox": Word("the cage for generated code", {"runtime": "monty", "timeout": "20s"}),
    "Tool.egress": Word("the hosts that the tool reaches", ["api.example.com"]),
    "Tool.timeout": _TIMEOUT,
    "Tool.resources": _RESOURCES,
    "Tool.on_failure": _ON_FAILURE,
    "Mcp.command": Word("the program that serves, with its arguments", ["gh-mcp", "--stdio"]),
    "Mcp.url": Word("where the server is", "https://mcp.example.com"),
    "Mcp.tools": Word("the tools that may be used", ["create_issue"]),
    "Mcp.effects": Word("the effects of each tool", {"create_issue": "write"}),
    "Sandbox.runtime": Word("monty (an interpreter without an outside) or jail (a caged process)", "monty"),
    "Sandbox.timeout": Word("how long the code may run", "20s"),
    "Sandbox.memory": Word("how much memory it may use", "256Mi"),
    "Sandbox.output": Word("how much it may write", "1Mi"),
    "Sandbox.packages": Word("the packages that it may import", ["pandas"]),
    "Sandbox.files": Word("the files that it may read", ["data/prices.csv"]),
    "Sandbox.network": Word("none, or the hosts that it may reach", "none"),
    "Agent.extends": Word(_EXTENDS, "planner"),
    "Agent.model": Word("an entry of models", "small"),
    "Agent.prompt": Word("a file (one line that ends in .j2) or the text itself", "prompts/plan.j2"),
    "Agent.input": Word("the type of what the agent is given", "shop.types:Request"),
    "Agent.output": Word("the type of what it answers", "list[shop.types:Finding]"),
    "Agent.check": Word("a function that refuses an answer", "shop.checks:plausible"),
    "Agent.tools": Word("the tools that it may call", ["search", "reviews"]),
    "Agent.agents": Word("the agents that it may call", ["researcher"]),
    "Agent.history": Word("call: each call starts empty; run: it remembers the run", "call"),
    "Agent.limits": Word("bounds on one call", {"turns": 4, "cost": "0.05 USD"}),
    "Agent.tier": Word("one of policy.tiers", "researcher"),
    "Agent.cache": _CACHE,
    "Agent.version": _VERSION,
    "Agent.on_failure": _ON_FAILURE,
    "Limits.turns": Word("answers of the model", 4),
    "Limits.calls": Word("calls of tools, agents and humans", 200),
    "Limits.tokens": Word("tokens, both ways", 20000),
    "Limits.cost": Word("money", "0.30 USD"),
    "Limits.time": Word("time, without waiting for people", "60s"),
    "Budget.cost": Word("money", "0.40 USD"),
    "Budget.tokens": Word("tokens, both ways", 200000),
    "Budget.time": Word("time", "6h"),
    "Human.ask": Word("the question: a file that ends in .j2, or the text itself", "May I order {{ count }} of them?"),
    "Human.answer": Word("the type of the answer", "shop.types:Help"),
    "Human.inbox": Word("whether people may speak up without being asked", example=True),
    "Human.notify": Word("the tool that tells them", "send_mail"),
    "Human.timeout": Word("how long to wait for the answer", "4h"),
    "Human.remind": Word("when to ask again", "1h"),
    "Human.on_timeout": Word("what then: fail, default or escalate", "fail"),
    "Human.escalate": Word("the human to ask instead", "manager"),
    "Human.default": Word("the answer where none comes", {"approved": False}),
    "Cache.scope": Word("off, run, user or shared", "shared"),
    "Cache.ttl": Word("how long a result is good for", "15m"),
    "Cache.version": _VERSION,
    "Reaction.attempts": Word("how often in all", 5),
    "Reaction.backoff": Word("the shortest and the longest wait between attempts", "1s..60s"),
    "Reaction.feedback": Word("whether the model is told what was wrong", example=True),
    "Reaction.rewind": Word("whether the last messages are taken back", example=True),
    "Reaction.ask": Word("the human to ask when attempts are used up", "desk"),
    "Reaction.then": Word("what at last: fail, skip or dead_letter", "dead_letter"),
    "Flow.inputs": Word("the type of what a run is given", "shop.types:Request"),
    "Flow.steps": Word("the steps by name; wires order them", {"rank": {"use": _CALLABLE, "with": {"hits": "$search"}}}),
    "Flow.outputs": Word("what a run gives: a reference, some by name, or the first that was not skipped", "$rank"),
    "Flow.timeout": Word("how long a run may take", "1d"),
    "Flow.budget": _BUDGET,
    "Step.use": Word("a tool, agent or human by name, or a callable", _CALLABLE),
    "Step.loop": Word(
        "rounds of steps", {"state": "$plan", "max_rounds": 5, "next": "shop.steps:enough", "steps": {"do": {"use": _CALLABLE}}}
    ),
    "Step.with": _WITH,
    "Step.calls": Word("the tools, agents and humans that the callable may call", ["researcher", "reviewer"]),
    "Step.limits": Word("bounds on the step; required beside calls", {"calls": 200, "cost": "0.30 USD"}),
    "Step.when": Word("do it only where these steps gave these values", {"kind": "research"}),
    "Step.map": Word("do it once per item", {"over": "$plan.tasks", "as": "task"}),
    "Step.after": Word("steps that must be settled before", ["notify"]),
    "Step.cache": _CACHE,
    "Step.version": _VERSION,
    "Step.timeout": _TIMEOUT,
    "Step.resources": _RESOURCES,
    "Step.on_failure": _ON_FAILURE,
    "Map.over": Word("the list", "$plan.tasks"),
    "Map.as": Word("what an item is called", "task"),
    "Map.max_parallel": Word("items at the same time", 8),
    "Loop.state": Word("what the first round sees as $state", "$plan"),
    "Loop.steps": Word("the steps of one round", {"look": {"use": "researcher", "with": "$state"}}),
    "Loop.next": Word("the function that says Continue, Stop or Bail", "shop.steps:enough"),
    "Loop.with": Word("what next is passed", {"found": "$look"}),
    "Loop.max_rounds": Word("the most rounds", 5),
    "Loop.budget": _BUDGET,
    "Job.source": Word("the dataset that is read", "feed"),
    "Job.stages": Word("the stages in order", [{"name": "clean", "use": "shop.batch:clean"}]),
    "Job.sink": Word("where the rows go", {"to": "index"}),
    "Job.checkpoint": Word("how much work one shard is", {"rows": 4096}),
    "Job.dead_letter": Word("how many rows may fail", {"max": "0.5%"}),
    "Job.budget": _BUDGET,
    "Stage.name": Word("the stage's name", "clean"),
    "Stage.use": Word("an agent by name, or a callable", "shop.batch:clean"),
    "Stage.with": Word("arguments of the callable, or of the class's constructor", {"dim": 384}),
    "Stage.resources": _RESOURCES,
    "Stage.batch": Word("rows in one call", 512),
    "Stage.concurrency": Word("rows at the same time", 64),
    "Stage.version": _VERSION,
    "Stage.cache": _CACHE,
    "Stage.on_failure": Word("what to do about each class of failure", {"semantic": {"attempts": 3, "then": "dead_letter"}}),
    "Sink.to": Word("the dataset that is written", "index"),
    "Sink.mode": Word("upsert: put rows by key; replace: write the whole anew", "upsert"),
    "Sink.deletes": Word("whether a row that is gone from the source is deleted", "propagate"),
    "Sink.max_deletes": Word("the most rows that one run may delete; more is refused", "5%"),
    "Sink.batch": Word("rows in one write", 1000),
    "Checkpoint.rows": Word("rows in one shard", 4096),
    "DeadLetter.max": Word("the share of rows that may fail before the job does", "0.5%"),
}
