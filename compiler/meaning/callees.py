"""What can be run, with its ports: callables, tools, agents and humans seen alike."""

from __future__ import annotations

from collections.abc import Mapping

from ..signature import Parameter, Signature, Signatures
from ..spec import Agent, Human, Tool
from ..types import AnyType, Type
from .assign import fields_of
from .entries import Entry, Namespace
from .pipeline import Callee, Prompt
from .prompts import WHOLE
from .typetext import read_type

MCP_DOT = "."
IDEMPOTENCY_KEY = "idempotency_key"
"""The parameter of a tool that darner fills: the same for every attempt at one call."""


def callees(names: Namespace, prompts: Mapping[str, Prompt], signatures: Signatures) -> dict[str, Callee]:
    """Return the ports of every tool, agent and human; of an MCP server's tools too, as ``server.tool``."""
    found: dict[str, Callee] = {}
    for entry in names.tools.values():
        found.update(tool_callees(entry, signatures))
    for agent in names.agents.values():
        found[agent.name] = agent_callee(agent, signatures)
    for human in names.humans.values():
        found[human.name] = human_callee(human, prompts.get(human.name), signatures)
    return found


def callable_callee(ref: str, signatures: Signatures) -> Callee:
    """Return the ports of a plain callable."""
    signature = signatures.callables.get(ref)
    if signature is None or signature.problem is not None or signature.shape == "type":
        return Callee("callable", ref)
    function = signature.called if signature.shape == "class" and signature.called else signature
    return Callee("callable", ref, function.parameters, function.returns, signature)


def tool_callees(entry: Entry[Tool], signatures: Signatures) -> dict[str, Callee]:
    """Return the ports of a tool, or of each tool of an MCP server."""
    tool = entry.value
    if tool.mcp is not None:
        return {f"{entry.name}{MCP_DOT}{name}": Callee("tool", f"{entry.name}{MCP_DOT}{name}") for name in tool.mcp.tools}
    if tool.use is None:
        return {entry.name: Callee("tool", entry.name)}
    called = callable_callee(tool.use, signatures)
    handed = {*tool.with_, IDEMPOTENCY_KEY}
    left = tuple(one for one in called.parameters or () if one.name not in handed)
    parameters = left if called.parameters is not None else None
    return {entry.name: Callee("tool", entry.name, parameters, called.output, called.signature)}


def agent_callee(entry: Entry[Agent], signatures: Signatures) -> Callee:
    """Return the ports of an agent: the fields of its input."""
    taken = read_type(entry.value.input, signatures)
    given = read_type(entry.value.output, signatures)
    return Callee("agent", entry.name, input_parameters(taken, signatures), given, whole=taken)


def input_parameters(taken: Type, signatures: Signatures) -> tuple[Parameter, ...] | None:
    """Return what an agent's ``with`` may name, and its prompt: the fields of a record, else ``input``; None for anything."""
    fields = fields_of(taken, signatures.records)
    if fields is not None:
        return tuple(Parameter(name=one.name, type=one.type, required=one.required) for one in fields)
    return None if isinstance(taken, AnyType) else (Parameter(name=WHOLE, type=taken),)


def human_callee(entry: Entry[Human], prompt: Prompt | None, signatures: Signatures) -> Callee:
    """Return the ports of a human: the variables of what they are asked."""
    names = prompt.reading.variables if prompt is not None else ()
    variables = tuple(Parameter(name=name, type=AnyType()) for name in names)
    return Callee("human", entry.name, variables, read_type(entry.value.answer, signatures))


def accepts_anything(signature: Signature) -> bool:
    """Return whether a callable takes ``**kwargs``."""
    return any(one.variadic == "kwargs" for one in signature.parameters)
