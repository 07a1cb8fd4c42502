"""Keys that exclude each other and keys that need each other."""

from __future__ import annotations

import pytest

from .reading import read

FLOW = "darner: 1\nname: x\nflow:\n  outputs: $s\n  steps:\n    s: "

RULES = {
    "a name and nothing to run": ("darner: 1\nname: x\n", "E210 2:1"),
    "a flow without a name": ("darner: 1\nflow: {steps: {s: {use: m:f}}, outputs: $s}\n", "E210 2:1"),
    "a job without a name": ("darner: 1\njob: {source: a, stages: [{name: s, use: m:f}], sink: {to: b}}\n", "E210 2:1"),
    "a flow and a job": (
        "darner: 1\nname: x\njob: {source: a, stages: [{name: s, use: m:f}], sink: {to: b}}\nflow: {steps: {s: {use: m:f}}, outputs: $s}\n",
        "E212 4:1",
    ),
    "a step that runs nothing": (FLOW + "{with: $inputs}\n", "E212 6:5"),
    "a step that runs two things": (
        FLOW + "{use: m:f, loop: {state: $inputs, next: m:n, max_rounds: 2, steps: {a: {use: m:f}}}}\n",
        "E212 6:19",
    ),
    "a step of a loop that runs nothing": (FLOW + "{loop: {state: $inputs, next: m:n, max_rounds: 2, steps: {a: {}}}}\n", "E212 6:66"),
    "calls without limits": (FLOW + "{use: m:f, calls: [a]}\n", "E213 6:19"),
    "calls with limits that limit nothing": (FLOW + "{use: m:f, calls: [a], limits: {}}\n", "E213 6:19"),
    "turns of a step": (FLOW + "{use: m:f, limits: {turns: 2}}\n", "E202 6:28"),
    "a server that is started and reached": ("darner: 1\ntools: {t: {mcp: {command: [a], url: b}}}\n", "E212 2:33"),
    "a server that is neither": ("darner: 1\ntools: {t: {mcp: {tools: [a]}}}\n", "E212 2:18"),
    "an escalation to nobody": ("darner: 1\nhumans: {h: {ask: x, timeout: 1h, on_timeout: escalate}}\n", "E213 2:47"),
    "an answer by default that is none": ("darner: 1\nhumans: {h: {ask: x, timeout: 1h, on_timeout: default}}\n", "E213 2:47"),
    "somebody to escalate to, and no escalation": ("darner: 1\nhumans: {h: {ask: x, timeout: 1h, escalate: boss}}\n", "E213 2:35"),
    "a default that is never used": ("darner: 1\nhumans: {h: {ask: x, timeout: 1h, default: 1}}\n", "E213 2:35"),
    "an end of a wait without end": ("darner: 1\nhumans: {h: {ask: x, on_timeout: default, default: 1}}\n", "E213 2:22"),
    "a default of another type": ("darner: 1\nparams: {p: {type: int, default: a}}\n", "E214 2:34"),
    "true as a number": ("darner: 1\nparams: {p: {type: int, default: true}}\n", "E214 2:34"),
    "a number as truth": ("darner: 1\nparams: {p: {type: bool, default: 1}}\n", "E214 2:35"),
    "a choice of another type": ("darner: 1\nparams: {p: {type: str, choices: [a, 1]}}\n", "E214 2:38"),
    "a default that is no choice": ("darner: 1\nparams: {p: {type: str, choices: [a, b], default: c}}\n", "E214 2:51"),
}


@pytest.mark.parametrize(("content", "place"), RULES.values(), ids=RULES.keys())
def test_a_broken_rule_is_said_at_its_place(content: str, place: str) -> None:
    """Each broken rule is one finding at the key that is to be changed."""
    reading = read(content)
    assert reading.places == [place], reading.text


@pytest.mark.parametrize(
    "content",
    [
        "darner: 1\nparams: {p: {type: float, default: 1}, q: {type: str, choices: [a], default: a}, r: {type: bool}}\n",
        "darner: 1\nhumans: {h: {ask: x, timeout: 1h, on_timeout: default, default: null}}\n",
        "darner: 1\nhumans: {h: {ask: x, timeout: 1h, on_timeout: escalate, escalate: boss}, boss: {ask: y}}\n",
        "darner: 1\ntools: {t: {mcp: {url: 'https://a'}, effects: read}}\n",
        FLOW + "{use: m:f, calls: [a], limits: {calls: 3}}\n",
    ],
)
def test_what_keeps_the_rules_is_bound(content: str) -> None:
    """A whole number is a float; null may be the default answer."""
    reading = read(content)
    assert reading.found == ()
    assert reading.bound is not None


def test_a_file_that_can_be_understood_is_bound_in_spite_of_findings() -> None:
    """A missing limit doesn't keep later stages from finding more."""
    reading = read(FLOW + "{use: m:f, calls: [a]}\n")
    assert reading.codes == ["E213"]
    assert reading.bound is not None
