"""E9xx: effects, cages, caches, and files that darner wrote itself."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E901": Code(
        "not a plan",
        "A plan's text can't be read as a plan. Plans are written by darner compile, and by runs into their store.",
        "darner compile spec.yaml",
    ),
    "E902": Code(
        "an undeclared effect",
        "Each tool says what it does to the world: pure (nothing), read, or write. Retries, caches and recovery after a crash "
        "follow from it.",
        "tools:\n  search: {use: shop.tools:search}      # effects: read",
    ),
    "E903": Code(
        "generated code without a cage",
        "A parameter annotated Code takes text that a model wrote. Such a tool declares the sandbox in which the code runs.",
        "tools:\n  run_python: {use: shop.tools:run_python, effects: pure}      # sandbox: {runtime: monty}",
    ),
    "E904": Code(
        "a cached write",
        "A cache would swallow the second write. Only what reaches nothing but pure and read may be cached across runs.",
        "tools:\n  reserve: {…, effects: write, cache: shared}",
    ),
    "E905": Code(
        "something personal in a shared cache",
        "A field marked Personal never enters a cache that all users share.",
        "agents:\n  planner: {input: shop.types:Customer, cache: shared, …}      # cache: user",
    ),
    "E907": Code(
        "a secret that would be seen",
        "$secrets.NAME may stand in the with of a tool, a dataset or a stage. In an agent's input it would be in a prompt, in outputs "
        "and states it would be in the journal.",
        "steps:\n  plan: {use: planner, with: {text: $secrets.LLM_KEY}}      # give it to a tool",
    ),
    "E908": Code(
        "a key that is written out",
        "A text of the spec looks like the key of a well-known provider. Whoever reads the repository can use it: take it out and make it "
        "invalid. Secrets are named in a spec, and read by the runtime from the environment or a file.",
        "models:\n  small: {secret: sk-…}      # secrets: [OPENAI_API_KEY], and secret: OPENAI_API_KEY",
    ),
    "E909": Code(
        "a cache over what remembers",
        "An agent with history: run answers after all that was said in the run, so none of its calls equals another one. "
        "A cache over it would never serve anything.",
        "agents:\n  guide: {history: run, cache: run, …}      # leave cache out",
    ),
    "E906": Code(
        "a write that would be repeated",
        "A write that is not idempotent is never repeated by itself: nobody knows whether the first one came through.",
        "tools:\n  reserve: {…, effects: write, on_failure: {network: {attempts: 5}}}      # idempotent: true",
    ),
}
