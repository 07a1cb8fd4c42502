"""A tree into the language's models: what doesn't fit is said at its place."""

from __future__ import annotations

import pytest

from darner.compiler.diagnostics import ENOUGH

from .reading import MINIMAL, Reading, read

HEAD = "darner: 1\n"


def library(content: str) -> Reading:
    """Return what is made of a library with this content."""
    return read(HEAD + content)


MISFITS = {
    "an unknown section": ("stpes: {}", "E202", "stpes", "there is no section 'stpes'", None),
    "an unknown section like a known one": ("agent: {}", "E202", "agent", "there is no section", "did you mean 'agents'?"),
    "an unknown key": (
        "tools: {a: {use: m:f, effect: read}}",
        "E202",
        "effect",
        "tools.a has no key 'effect'",
        "did you mean 'effects'?",
    ),
    "an unknown key deep down": (
        "tools: {a: {on_failure: {oom: {attempt: 2}}}}",
        "E202",
        "attempt",
        "tools.a.on_failure.oom has no key",
        "did you mean 'attempts'?",
    ),
    "a key by its Python name": ("datasets: {d: {use: files, type: m:T, key: k, with_: {}}}", "E202", "with_", "no key 'with_'", "'with'"),
    "a missing key": (
        "datasets: {d: {use: files, type: m:T}}",
        "E203",
        "{use: files, type: m:T}",
        "datasets.d has no 'key'",
        "key: product_id",
    ),
    "a missing key of a mapping on several lines": (
        "datasets:\n  d:\n    use: files\n    type: m:T\n",
        "E203",
        "d",
        "datasets.d has no 'key'",
        "key: product_id",
    ),
    "a missing key in a list": (
        "job: {source: a, stages: [{use: m:f}], sink: {to: b}}\nname: x",
        "E203",
        "{use: m:f}",
        "job.stages.0 has no 'name'",
        "name: clean",
    ),
    "text where a mapping is": ("tools: {a: m:f}", "E204", "m:f", "tools.a must be a mapping, not the text 'm:f'", "write it like"),
    "a mapping where text is": ("agents: {a: {model: {}}}", "E204", "{}", "agents.a.model must be text, not a mapping", "model: small"),
    "a list where a mapping is": ("tools: [a]", "E204", "[a]", "tools must be a mapping, not a list", "tools: {search:"),
    "null where a mapping is": ("tools: null", "E204", "null", "tools must be a mapping, not null", "write it like"),
    "one value where a list is": ("secrets: KEY", "E204", "KEY", "secrets must be a list", "[KEY]"),
    "a number where text is": ("agents: {a: {tier: 3}}", "E204", "3", "agents.a.tier must be text, not 3", 'quote it: "3"'),
    "true where text is": ("agents: {a: {tier: true}}", "E204", "true", "must be text, not true", 'quote it: "true"'),
    "a quoted number": ('resources: {a: {cpu: "2"}}', "E204", '"2"', "must be a number, not the text '2'", "without quotes"),
    "a part where a whole is": ("agents: {a: {limits: {turns: 1.5}}}", "E204", "1.5", "must be a whole number, not 1.5", "turns: 4"),
    "a whole number with a point": ("agents: {a: {limits: {turns: 2.0}}}", "E204", "2.0", "must be a whole number", "turns: 4"),
    "yes for true": ("tools: {a: {idempotent: yes}}", "E204", "yes", "must be true or false, not the text 'yes'", "write true"),
    "one for true": ("tools: {a: {idempotent: 1}}", "E204", "1", "must be true or false, not 1", "idempotent: true"),
    "off for false": ("resources: {a: {spot: off}}", "E204", "off", "must be true or false", "write false"),
    "true for a number": ("agents: {a: {limits: {turns: true}}}", "E204", "true", "must be a whole number, not true", "turns: 4"),
    "a list where one of two kinds is": (
        "tools: {a: {version: []}}",
        "E204",
        "[]",
        "must be text or a whole number, not a list",
        "version: 2",
    ),
    "neither none nor a list": ("tools: {a: {sandbox: {network: al}}}", "E204", "al", "must be none or a list", "network: none"),
    "a wrong entry of one of two kinds": (
        "tools: {a: {sandbox: {network: [1]}}}",
        "E204",
        "1",
        "network.0 must be text, not 1",
        'quote it: "1"',
    ),
    "a wrong entry of a list": ("agents: {a: {tools: [b, 3]}}", "E204", "3", "agents.a.tools.1 must be text, not 3", 'quote it: "3"'),
    "not one of the words": ("tools: {a: {effects: reed}}", "E205", "reed", "must be one of pure, read, write", "did you mean 'read'?"),
    "not one of the words, short form": ("tools: {a: {cache: shard}}", "E205", "shard", "tools.a.cache can't be 'shard'", "'shared'"),
    "a number for the short form": (
        "tools: {a: {cache: 3}}",
        "E204",
        "3",
        "one of off, run, user, shared, or a mapping, not 3",
        "cache: run",
    ),
    "false for the short form": ("tools: {a: {cache: false}}", "E204", "false", "one of off, run", "cache: run"),
    "a key that is not one of the words": ("tools: {a: {on_failure: {ooom: {}}}}", "E205", "ooom", "one of throttled, network", "'oom'"),
    "a size without unit": ("resources: {a: {memory: 512}}", "E206", "512", "512 is not a size", None),
    "a duration in words": ("tools: {a: {timeout: 30 seconds}}", "E206", "30 seconds", "write it like 30s", None),
    "money without currency": ("policy: {max_cost: 5}", "E206", "5", "write it like 0.50 USD", None),
    "a rate in other words": ("models: {a: {rate: {requests: 300 per minute}}}", "E206", "300 per minute", "300/min", None),
    "a share over all": (
        "name: x\njob: {source: a, stages: [{name: s, use: m:f}], sink: {to: b, max_deletes: 200%}}",
        "E206",
        "200%",
        "up to 100%",
        None,
    ),
    "a backoff the wrong way round": (
        "tools: {a: {on_failure: {oom: {backoff: 60s..1s}}}}",
        "E206",
        "60s..1s",
        "the shorter wait first",
        None,
    ),
    "a backoff with one end": ("tools: {a: {on_failure: {oom: {backoff: 1s..}}}}", "E206", "1s..", "write it like 1s..60s", None),
    "a name that is none": ("models: {gpt-5: {}}", "E207", "gpt-5", "'gpt-5' can't be a name", "'gpt_5' would do"),
    "a name that begins with a digit": ("models: {5gpt: {}}", "E207", "5gpt", "can't be a name", "begins with no digit"),
    "a callable that is none": ("tools: {a: {use: search}}", "E207", "search", "'search' doesn't name a callable", "module.path:attr"),
    "a callable with a dash": (
        "tools: {a: {use: my-shop:search}}",
        "E207",
        "my-shop:search",
        "doesn't name a callable",
        "module.path:attr",
    ),
    "nothing of something": ("agents: {a: {limits: {turns: 0}}}", "E208", "0", "agents.a.limits.turns must be at least 1, not 0", None),
    "no processor": ("resources: {a: {cpu: 0}}", "E208", "0", "must be more than 0, not 0", None),
    "an empty flow": ("name: x\nflow: {steps: {}, outputs: $a}", "E209", "{}", "flow.steps must not be empty", "steps: {rank:"),
    "an empty job": (
        "name: x\njob: {source: a, stages: [], sink: {to: b}}",
        "E209",
        "[]",
        "job.stages must not be empty",
        "stages: [{name:",
    ),
    "an empty type": ("agents: {a: {input: ''}}", "E209", "''", "agents.a.input must not be empty", "input: shop.types:Request"),
}


@pytest.mark.parametrize(("content", "code", "marked", "message", "help_"), MISFITS.values(), ids=MISFITS.keys())
def test_a_misfit_is_said_once_at_its_place(content: str, code: str, marked: str, message: str, help_: str | None) -> None:
    """Each misfit is one finding: its code, exactly the piece of the file, what was expected, and what to write."""
    reading = library(content)
    assert reading.codes == [code], reading.text
    assert reading.marked() == marked
    assert message in reading.found[0].message
    assert help_ is None or help_ in str(reading.found[0].help)
    assert reading.bound is None


@pytest.mark.parametrize("version", ["2", "1.0", "true", "'1'", "[1]", "null"])
def test_another_version_of_the_language_is_refused_and_nothing_else_is_said(version: str) -> None:
    """A file in another language can't be judged by this one's rules; 1.0, true and "1" are not 1."""
    assert read(f"darner: {version}\nnonsense: 1\n").codes == ["E211"]


def test_a_file_without_a_version_is_told_to_have_one() -> None:
    """The version is missing at the file's first key."""
    reading = read("name: a\nflow: {steps: {s: {use: m:f}}, outputs: $s}\n")
    assert reading.places == ["E203 1:1"]
    assert reading.found[0].help == "add it, like darner: 1"


def test_all_misfits_are_said_at_once_in_the_order_of_the_file() -> None:
    """A person mends a file in one go: no misfit hides another."""
    reading = library("""\
tools:
  a: {use: m:f, effects: reed, timeout: 3, retries: 2}
agents:
  b: {limits: {turns: 0}, tools: c}
nonsense: 1
""")
    assert reading.places == ["E205 3:26", "E206 3:41", "E202 3:44", "E208 5:23", "E204 5:34", "E202 6:1"]


def test_a_file_that_fits_nowhere_is_given_up() -> None:
    """After some hundred misfits the rest is left out: a data file given by mistake is answered soon."""
    assert len(library("".join(f"k{n}: 1\n" for n in range(3_000))).found) == ENOUGH


def test_a_misspelt_key_is_not_missing_as_well() -> None:
    """``typ`` for ``type`` is one mistake and one finding."""
    assert library("params: {p: {typ: str}}").codes == ["E202"]
    assert library("params: {p: {typ: str, type: str}}").codes == ["E202"]
    assert library("params: {p: {colour: red}}").codes == ["E203", "E202"]


def test_a_bad_name_does_not_hide_what_it_names() -> None:
    """A key and its value are judged apart."""
    assert library("models: {gpt-5: {use: 1}}").codes == ["E207", "E204"]
    assert library("tools: {a: {on_failure: {ooom: {attempts: 0}}}}").codes == ["E205", "E208"]


def test_what_the_reader_reported_is_not_reported_again() -> None:
    """An empty value, a tag or a dropped key is one finding, not also a value of the wrong kind or a missing key."""
    assert library("datasets:\n  d:\n    use: files\n    type:\n    key: k\n").codes == ["E115"]
    assert library("tools: {a: {timeout: !x 3}}").codes == ["E111"]
    assert library("x: &x {use: files}\ndatasets: {d: {<<: *x, type: m:T}}").codes == ["E202", "E110"]
    assert library("tools: {a: {timeout: *x}}").codes == ["E112"]
    assert library("name: x\nflow:\n  outputs: $a\n  steps: {1: {use: m:f}}").codes == ["E109"]


def test_a_misfit_behind_an_alias_is_reported_at_the_alias() -> None:
    """The alias is where the value doesn't fit; a label shows where it is written."""
    reading = library("secrets: &s [KEY]\nagents: {a: {tier: *s}}\n")
    assert reading.places == ["E204 3:20"]
    (label,) = reading.found[0].labels
    assert str(label.span) == "spec.yaml:2:13"


def test_a_key_named_like_a_validators_tag_is_a_key() -> None:
    """The validator adds words like ``str`` and ``[key]`` to its paths; a spec may use them as names all the same."""
    reading = library("tools: {str: {version: []}, int: {version: 1.5}}\nparams: {p: {type: str, default: {}}}")
    assert reading.places == ["E204 2:24", "E204 2:44", "E204 3:34"]


def test_misfits_in_the_steps_of_loops_have_their_places_too() -> None:
    """The language contains itself here: a loop has steps, and a step may be a loop."""
    reading = library("""\
name: x
flow:
  outputs: $s
  steps:
    s:
      loop:
        state: $inputs
        next: m:n
        max_rounds: 3
        steps:
          a: {use: m:f, timout: 3s}
          b: {loop: {state: $state, next: m:n, max_rounds: 0, steps: {c: {use: m:f, after: d}}}}
""")
    assert reading.places == ["E202 12:25", "E208 13:60", "E204 13:92"], reading.text
    assert "flow.steps.s.loop.steps.b.loop.steps.c.after must be a list" in reading.found[2].message


def test_values_are_kept_as_they_are_written() -> None:
    """Lists stay lists, numbers and texts keep their kinds, and nothing is read into an argument."""
    value = {"a": [1, "2", 3.5, True, None, {"b": "$c.d"}], "on": "no", "n": "1_000"}
    written = "{a: [1, '2', 3.5, true, null, {b: $c.d}], on: no, n: 1_000}"
    reading = read(f"{HEAD}name: x\nflow:\n  outputs: $s\n  steps: {{s: {{use: m:f, with: {written}}}}}\n")
    assert reading.bound is not None, reading.text
    assert reading.bound.spec.flow is not None
    assert reading.bound.spec.flow.steps["s"].with_ == value


def test_a_bound_file_knows_where_every_path_stands() -> None:
    """Values and keys by path; what isn't written stands where it would be."""
    reading = read(MINIMAL + "agents:\n  a:\n    prompt: |\n      hi\n    tools: [t, u]\n")
    bound = reading.bound
    assert bound is not None, reading.text
    assert str(bound.span("agents", "a", "tools", 1)) == "spec.yaml:8:16"
    assert str(bound.span("agents", "a", "prompt")) == "spec.yaml:7:7"
    assert str(bound.key_span("agents", "a", "prompt")) == "spec.yaml:6:5"
    assert str(bound.key_span("agents", "a", "tools", 0)) == "spec.yaml:8:13"
    assert str(bound.span("agents", "a", "model")) == "spec.yaml:5:3"
    assert str(bound.span("agents", "a", "limits", "turns")) == "spec.yaml:5:3"
    assert str(bound.key_span("agents", "a", "model")) == "spec.yaml:5:3"
    assert str(bound.span("job", "stages", 3)) == "spec.yaml:1:1"
    assert bound.node("agents", "a", "tools", 7) is None


def test_a_library_is_a_file_with_nothing_to_run() -> None:
    """A library has no name, no flow and no job; a spec has."""
    one, other = library("models: {m: {use: x}}").bound, read(MINIMAL).bound
    assert one is not None
    assert one.is_library
    assert other is not None
    assert not other.is_library
