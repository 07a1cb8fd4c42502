"""E2xx: a text that doesn't have the shape of the language."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E201": Code(
        "not a mapping",
        "A spec is a mapping: keys with values. This file holds a list or a single value.",
        "- darner: 1      # darner: 1",
    ),
    "E202": Code(
        "an unknown key",
        "The language has no such key here. Unknown is an error: a misspelt limit that is ignored is no limit. "
        "`darner schema` gives editors the list of all keys.",
        "tools:\n  search: {use: shop.tools:search, effect: read}      # effects",
    ),
    "E203": Code(
        "a key is missing",
        "The mapping can't be understood without this key. The message says what it is for, and the help line how it is written.",
        "datasets:\n  feed: {use: files, type: shop.types:Product}      # and key: the field that names a row",
    ),
    "E204": Code(
        "a value of the wrong kind",
        'Another kind of value is expected here. Values are read strictly: "3" is text and no number, yes is text and not true, '
        "and a single value is no list.",
        "tools:\n  reserve: {use: shop.tools:reserve, effects: write, idempotent: yes}      # true",
    ),
    "E205": Code(
        "not one of the values",
        "Only a few values can stand here, and the message lists them.",
        "job:\n  sink: {to: index, mode: insert}      # upsert or replace",
    ),
    "E206": Code(
        "a quantity that can't be read",
        "Quantities carry their unit: sizes 512Mi, durations 30s, money 0.50 USD, rates 300/min, shares 0.5%, backoffs 1s..60s. "
        "A bare number would leave the unit to guessing.",
        "resources:\n  light: {cpu: 1, memory: 512}      # 512Mi",
    ),
    "E207": Code(
        "a name that can't be one",
        "Names have letters, digits and underscores and begin with no digit, so that each is a Python name and can stand in a "
        "reference. Callables are written module.path:attr.",
        'models:\n  gpt-5: {use: "openai:gpt-5"}      # gpt_5',
    ),
    "E208": Code(
        "a number out of range",
        "The number is too small or too large to mean anything here: a limit of nothing would forbid the very thing that it limits.",
        "flow:\n  steps:\n    ask: {use: planner, limits: {turns: 0}}",
    ),
    "E209": Code(
        "empty",
        "At least one entry must be written here: a flow without steps and a job without stages have nothing to do.",
        "flow: {steps: {}, outputs: $plan}",
    ),
    "E210": Code(
        "neither a spec nor a library",
        "A spec has a name and either a flow or a job. A library has none of the three: other files import its entries.",
        "darner: 1\nname: hello      # and neither flow nor job",
    ),
    "E211": Code(
        "another version of the language",
        "The key darner says which version of the language a file is written in. This darner reads version 1; "
        "a newer file needs a newer darner.",
        "darner: 2",
    ),
    "E212": Code(
        "exactly one of several keys",
        "These keys say different things about the same: one of them must be written, and only one.",
        "flow:\n  steps:\n    rank: {with: {hits: $search}}      # and use: what runs",
    ),
    "E213": Code(
        "two keys that go together",
        "One key needs another one: calls need limits, because what is unbounded is an error; an answer by default needs the "
        "default; an escalation needs somebody to escalate to.",
        "flow:\n  steps:\n    research: {use: shop.steps:research, calls: [researcher]}      # and limits",
    ),
    "E214": Code(
        "a parameter's default doesn't fit",
        "The default of a parameter, and each of its choices, must be of its type, and the default must be one of the choices.",
        "params:\n  size: {type: int, default: small}",
    ),
}
