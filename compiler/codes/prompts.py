"""E8xx: prompts."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E801": Code(
        "a prompt that can't be read",
        "A prompt or ask of one line that ends in .j2 is a file beside the spec that names it; anything else is the text itself.",
        "prompt: prompts/plan.j2",
    ),
    "E802": Code(
        "not a template",
        "Prompts are Jinja templates: {{ value }}, {% if %}, {% for %}.",
        "prompt: Plan for {{ text }      # {{ text }}",
    ),
    "E803": Code(
        "an unknown variable",
        "A prompt sees the fields of its agent's input and nothing else; an input without fields is called input.",
        "prompt: Plan for {{ txt }}      # {{ text }}",
    ),
    "E804": Code(
        "an unknown field",
        "The type of the value has no such field.",
        "prompt: Review {{ plan.qeury }}      # {{ plan.query }}",
    ),
    "E805": Code(
        "something that a prompt may not do",
        "A prompt stands alone: it includes and imports nothing, and knows the filters of Jinja only.",
        '{% include "rules.j2" %}      # write the rules into the prompt',
    ),
}
