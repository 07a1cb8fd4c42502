"""E3xx: names and references that lead nowhere, or to more than one place."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E301": Code(
        "an unknown name",
        "Something is named that no entry of the spec, and nothing that it imports, defines. Tools, agents and humans share one "
        "namespace; a `use` with a colon is a Python callable, without one a name. A model's `use` has a known provider before its "
        "colon, unless it is a Python callable.",
        "agents:\n  planner: {model: smrat, …}      # smart",
    ),
    "E302": Code(
        "an entry that nothing uses",
        "Neither the flow nor the job reaches this entry. What is written and does nothing misleads its readers. "
        "Entries that several specs share stand in a library, which may define more than one spec uses.",
        "resources:\n  gpu: {…}      # no step, stage or tool says resources: gpu",
    ),
    "E303": Code(
        "defined twice",
        "A name means one thing. An imported name may be used, never redefined; tools, agents and humans share one namespace; "
        "the stages of a job have different names.",
        "tools:\n  search: {…}\nagents:\n  search: {…}      # another name",
    ),
    "E304": Code(
        "a reference that can't be read",
        "A reference is $name.field, with .0 for an index into a list. There are no expressions and no brackets. "
        "Text that really starts with a dollar sign is written with two of them.",
        "with: {price: $rank.items[0].price}      # $rank.items.0.price",
    ),
    "E305": Code(
        "a reference to nothing",
        "The first word of a reference is a step that runs before, inputs, params, secrets, datasets (in tools), a map variable, "
        "or, inside a loop, state and round. A step that runs later can't be read, and the steps inside a loop are not visible outside.",
        "steps:\n  plan: {use: planner, with: $inputs}\n  rank: {use: shop.steps:rank, with: {plan: $plam}}      # $plan",
    ),
    "E306": Code(
        "a circle",
        "`extends`, `fallback`, `no_gpu`, `escalate` and the agents that an agent may call lead from one entry to the next, and must end.",
        "models:\n  a: {extends: b}\n  b: {extends: a}",
    ),
    "E307": Code(
        "a hidden name",
        "Reserved words, the steps of every enclosing scope and map variables are all written $name, so they must differ.",
        "steps:\n  inputs: {…}      # inputs is taken",
    ),
    "E308": Code(
        "a path that leads nowhere",
        "The type that the reference starts with has no such field. An item of a list is .0; all of its items are read with map.",
        "with: {query: $plan.qeury}      # $plan.query",
    ),
    "E309": Code(
        "an unknown parameter",
        "${params.x} stands inside texts and names a parameter that the spec declares.",
        'datasets:\n  feed: {…, with: {url: "${params.fed}"}}      # ${params.feed}',
    ),
    "E310": Code(
        "an import that can't be read",
        "Imports are paths of libraries, relative to the file that names them.",
        "imports: [lib/models.yaml]",
    ),
    "E311": Code(
        "an import that is no library",
        "A library defines things for others: it has no name, no flow and no job. A spec can't be imported.",
        "imports: [other_spec.yaml]      # move what is shared into a library",
    ),
    "E312": Code(
        "an entry is incomplete",
        "An entry, together with what it extends and the defaults of its file, lacks a key that it needs, or says two things at once.",
        "agents:\n  planner: {model: smart, input: shop.types:Request, output: shop.types:Plan}      # and prompt",
    ),
}
