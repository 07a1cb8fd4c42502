"""What must hold of one file beyond the shape of each value: keys that exclude each other, keys that need each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..diagnostics import Findings, Label
from ..settings import Limits
from ..spec import Human, Mcp, Param, Step
from ..text.syntax import Path
from .bound import Bound, handle

_TYPES: Mapping[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}


def check_shape(bound: Bound, findings: Findings) -> bool:
    """Write to ``findings`` what is wrong; return whether the file can be understood all the same."""
    understood = _is_spec_or_library(bound, findings)
    for path, step in _steps(bound):
        understood &= _runs_one_thing(bound, path, step, findings)
        _bounds_its_calls(bound, path, step, findings)
    for name, tool in bound.spec.tools.items():
        if tool.mcp is not None:
            understood &= _reaches_one_server(bound, ("tools", name, "mcp"), tool.mcp, findings)
    for name, human in bound.spec.humans.items():
        _ends_its_wait(bound, ("humans", name), human, findings)
    for name, param in bound.spec.params.items():
        _fits_itself(bound, ("params", name), param, findings)
    return understood


def _is_spec_or_library(bound: Bound, findings: Findings) -> bool:
    spec = bound.spec
    if spec.flow is not None and spec.job is not None:
        _exclusive(bound, (), ("flow", "job"), "a spec has a flow or a job", findings)
        return False
    if spec.name is not None and spec.flow is None and spec.job is None:
        help_ = "add a flow or a job; a library, which other files import, has no name"
        findings.error("E210", "there is nothing to run", bound.key_span("name"), help=help_)
        return False
    if spec.name is None and not bound.is_library:
        key = "flow" if spec.flow is not None else "job"
        findings.error("E210", f"a spec with a {key} needs a name", bound.key_span(key), help="add it, like name: hello")
        return False
    return True


def _exclusive(bound: Bound, path: Path, keys: tuple[str, str], rule: str, findings: Findings) -> None:
    first, second = sorted((bound.key_span(*path, key), key) for key in keys)
    findings.error(
        "E212", f"{rule}, not both", second[0], labels=[Label(first[0], f"{first[1]} is written here")], help="keep one of the two"
    )


def _steps(bound: Bound) -> Iterator[tuple[Path, Step]]:
    """Yield every step with its path, those of loops after the loop itself."""
    waiting: list[tuple[Path, Mapping[str, Step]]] = [(("flow", "steps"), bound.spec.flow.steps)] if bound.spec.flow else []
    while waiting:
        path, steps = waiting.pop()
        for name, step in steps.items():
            yield (*path, name), step
            if step.loop is not None:
                waiting.append(((*path, name, "loop", "steps"), step.loop.steps))


def _runs_one_thing(bound: Bound, path: Path, step: Step, findings: Findings) -> bool:
    if step.use is None and step.loop is None:
        help_ = "add use: the name of a tool, agent or human, or a callable; or a loop"
        findings.error("E212", f"step {path[-1]!r} runs nothing", bound.key_span(*path), help=help_)
        return False
    if step.use is not None and step.loop is not None:
        _exclusive(bound, path, ("use", "loop"), "a step uses something or is a loop", findings)
        return False
    return True


def _bounds_its_calls(bound: Bound, path: Path, step: Step, findings: Findings) -> None:
    if step.conducts and (step.limits is None or step.limits == Limits()):
        help_ = "what is unbounded is an error; add limits, like limits: {calls: 200, cost: 0.30 USD}"
        findings.error("E213", f"step {path[-1]!r} has calls and no limits", bound.key_span(*path, "calls"), help=help_)
    if step.limits is not None and step.limits.turns is not None:
        help_ = "turns are an agent's; a step is bounded by calls, tokens, cost and time"
        findings.error("E202", f"the limits of step {path[-1]!r} have no key 'turns'", bound.key_span(*path, "limits", "turns"), help=help_)


def _reaches_one_server(bound: Bound, path: Path, mcp: Mcp, findings: Findings) -> bool:
    if (mcp.command is None) == (mcp.url is None):
        if mcp.command is not None:
            _exclusive(bound, path, ("command", "url"), "an MCP server is started or reached", findings)
        else:
            span = handle(bound.tree, path)
            findings.error("E212", f"{'.'.join(map(str, path))} says of no server", span, help="add command: [PROGRAM] or url: URL")
        return False
    return True


def _ends_its_wait(bound: Bound, path: Path, human: Human, findings: Findings) -> None:
    """A wait that ends in something needs that something, and a time after which it ends."""
    for ending, key in (("escalate", "escalate"), ("default", "default")):
        if human.on_timeout == ending and key not in human.model_fields_set:
            help_ = f"add {key}: what then"
            message = f"on_timeout is {ending}, and nothing says {'whom to ask then' if ending == 'escalate' else 'which answer then'}"
            findings.error("E213", message, bound.span(*path, "on_timeout"), help=help_)
        if human.on_timeout != ending and key in human.model_fields_set:
            help_ = f"add on_timeout: {ending}, or remove {key}"
            findings.error("E213", f"{key} is only used where on_timeout is {ending}", bound.key_span(*path, key), help=help_)
    if human.on_timeout != "fail" and human.timeout is None:
        findings.error("E213", "on_timeout without a timeout", bound.key_span(*path, "on_timeout"), help="add timeout, like timeout: 4h")


def _fits_itself(bound: Bound, path: Path, param: Param, findings: Findings) -> None:
    choices = [(("choices", index), value) for index, value in enumerate(param.choices)]
    values = [*choices, *([(("default",), param.default)] if param.default is not None else [])]
    wrong = [(where, value) for where, value in values if not _is_of(param.type, value)]
    for where, value in wrong:
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        findings.error(
            "E214", f"{shown} is no {param.type}", bound.span(*path, *where), labels=[Label(bound.span(*path, "type"), "the type")]
        )
    if not wrong and param.choices and param.default is not None and param.default not in param.choices:
        label = Label(bound.span(*path, "choices"), "the choices")
        findings.error("E214", f"{param.default!r} is none of the choices", bound.span(*path, "default"), labels=[label])


def _is_of(type_: str, value: str | float) -> bool:
    return isinstance(value, _TYPES[type_]) and (type_ == "bool" or not isinstance(value, bool))
