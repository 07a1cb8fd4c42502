"""E5xx: what the policy doesn't allow, and money that can't be counted."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E501": Code(
        "more memory than the policy allows",
        "policy.max_memory is the most that one process may get, on every rung of on_oom, and in sandboxes. Of several policies the "
        "tightest wins.",
        "policy: {max_memory: 16Gi}\nresources:\n  code: {memory: 1Gi, on_oom: [{memory: 32Gi}]}",
    ),
    "E502": Code(
        "more GPUs than the policy allows",
        "policy.max_gpus is the most that a run may hold at once: the GPUs of one process times its workers.",
        "policy: {max_gpus: 4}\nresources:\n  gpu: {gpu: {type: l4, count: 2}, workers: 4}      # 8",
    ),
    "E503": Code(
        "a type of GPU that the policy doesn't allow",
        "policy.gpu_types lists the types of GPU that may be asked for, on every rung.",
        "policy: {gpu_types: [l4]}\nresources:\n  gpu: {gpu: {type: a100}}",
    ),
    "E504": Code(
        "more money than the policy allows",
        "policy.max_cost is the most that a run may cost; no budget and no limit may be above it.",
        "policy: {max_cost: 1 USD}\nflow: {budget: {cost: 5 USD}, …}",
    ),
    "E505": Code(
        "a model that the policy doesn't allow",
        'policy.models lists models as they are used, like "openai:gpt-5-mini"; a * stands for anything.',
        'policy: {models: ["openai:*"]}\nmodels:\n  smart: {use: "anthropic:…"}',
    ),
    "E506": Code(
        "a host that the policy doesn't allow",
        "policy.egress lists the hosts that may be reached, with an optional port and path; a * stands for anything. "
        "Nothing else is reached at run time either.",
        "policy: {egress: [llm.example.com]}\ntools:\n  fetch: {…, egress: [example.org]}",
    ),
    "E507": Code(
        "a sandbox that the policy doesn't allow",
        "policy.sandbox lists the runtimes in which generated code may run.",
        "policy: {sandbox: [monty]}\ntools:\n  run: {…, sandbox: {runtime: jail}}",
    ),
    "E508": Code(
        "a forbidden effect",
        "policy.forbid_effects lists effects that no tool may have.",
        "policy: {forbid_effects: [write]}\ntools:\n  reserve: {…, effects: write}",
    ),
    "E509": Code(
        "policies that contradict each other",
        "Policies combine, and the tightest wins; the order of tiers can't be tighter, only different.",
        "policy: {tiers: [a, b]}      # and in an import: tiers: [b, a]",
    ),
    "E510": Code(
        "a call against the tiers",
        "policy.tiers orders the tiers of agents; an agent calls agents of tiers to the right of its own.",
        "policy: {tiers: [lead, worker]}\nagents:\n  finder: {tier: worker, agents: [planner], …}      # planner is a lead",
    ),
    "E511": Code(
        "a run without a budget",
        "The policy limits what a run may cost, and models are asked, so the run needs a budget: what is unbounded is an error.",
        "flow: {budget: {cost: 0.40 USD}, …}",
    ),
    "E512": Code(
        "a model without a price",
        "A cost is limited, and counting it needs the price of each model that may be asked, those that it falls back on too. Prices of "
        "well-known models at their providers' own addresses are known where darner[agents] is installed; an entry's own price counts "
        "before those.",
        "models:\n  fast: {…, price: {input: 0.15 USD, output: 0.60 USD}}",
    ),
    "E513": Code(
        "a ladder that doesn't climb",
        "What ran out of memory is tried again on the next rung of on_oom, so each rung must give more than the one before it: more "
        "memory, a smaller batch, another device. Rungs lie over the base, not over each other.",
        "resources:\n  small: {memory: 512Mi, on_oom: [{memory: 256Mi}]}      # [{memory: 1Gi}, {memory: 2Gi}]",
    ),
}
