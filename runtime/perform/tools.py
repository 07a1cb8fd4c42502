"""Tools: Python callables with declared effects, called through the effect boundary."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ...compiler import wires
from ...compiler.lowering.plantext import to_text
from ...compiler.plan import Lock, Plan, ToolPlan
from ...compiler.settings import Cache, OnFailure, merge_reactions
from ..failures import CallableError, DarnerError, Failure, Network, Refused, Semantic
from ..meaning import caching, tool_meaning
from ..ports import Approval, Boundary, Caching, CallRequest, Json, Outcome, Permit, Secrets
from ..resources import Grant
from . import values
from .callables import only_parameter
from .datasets import Datasets
from .invoking import invoke, invoke_here, storable
from .mcp.remote_tool import RemoteTool
from .mcp.servers import Servers
from .processes.caged import Cage, Cages
from .processes.climbing import Rungs
from .processes.room import Room
from .raising import failed, kept
from .results import conform, fitting
from .secrets import known, redact
from .threads import Threads
from .tool_schema import IDEMPOTENCY_KEY, Interface, interface

FEEDBACK = "darner.feedback"
"""The key of a recorded result that is no value but what a model is to be told: a tool raised `Semantic`."""

UNKEPT = "darner.unkept"
"""The key of a recorded result that says: a write happened, and what it gave can't be kept. It must not be repeated."""


class LaidOver(NamedTuple):
    """What is laid over a tool's or an agent's own settings by the step on whose behalf it is called.

    ``resources`` name an entry of the plan, ``grant`` is what Python code asked for instead; both are for tools.
    """

    on_failure: OnFailure = {}
    cache: Cache | None = None
    resources: str | None = None
    grant: Grant | None = None


NOTHING = LaidOver()


class Tools:
    """The tools of one plan.

    ``lock`` holds their code's fingerprints, ``params`` are the run's bound parameters; ``offered`` is what the MCP servers
    offered when the run began, for when one of them can't be reached.
    """

    def __init__(  # noqa: PLR0913 - what a plan's tools are made of, given by name
        self,
        plan: Plan,
        *,
        secrets: Secrets,
        params: Mapping[str, Json] | None = None,
        lock: Lock | None = None,
        base: Path | None = None,
        offered: Mapping[str, RemoteTool] | None = None,
        rungs: Rungs | None = None,
    ) -> None:
        self._plan = plan
        self._secrets = secrets
        self._params = dict(params or {})
        self._lock = lock or Lock()
        self._datasets = Datasets(plan.datasets, self._params, base)
        self._threads = Threads()
        self._servers = Servers(plan, fixed=self._fixed, folder=base, offered=offered)
        self._found: dict[str, tuple[ToolPlan, Interface | RemoteTool]] = {}
        self._only: dict[str, str] = {}
        self._base = base
        self.rungs = rungs or Rungs()
        self.room = Room(shared=True)
        """What all child processes of the run share: those of steps, too."""
        self._cages: Cages | None = None

    def interface(self, name: str) -> Interface | RemoteTool:
        """Return how a tool is offered to a model; `Refused` where it can't be. An MCP server is started for it."""
        return self._find(name)[1]

    def _find(self, name: str) -> tuple[ToolPlan, Interface | RemoteTool]:
        found = self._found.get(name)
        if found is None:
            tool = self._tool(name)
            refuse_unavailable(name, tool)
            is_remote = tool.mcp is not None
            offered = self._servers.tool(name) if is_remote else interface(name, values.load(tool.use or ""), tuple(tool.with_))
            found = self._found[name] = tool, offered
        return found

    def only_parameter(self, name: str) -> str:
        """Return the parameter that a tool's one value is given to; `CallableError` where it takes several, or none."""
        if name not in self._only:
            self._only[name] = only_parameter(f"the tool {name}", tuple(self.interface(name).schema.get("properties", {})))
        return self._only[name]

    @property
    def offered(self) -> Mapping[str, RemoteTool]:
        """What MCP servers offer of that which was asked for so far, by name."""
        return self._servers.seen

    def close(self) -> None:
        """End the MCP servers and the child processes that were started."""
        self._servers.close()
        if self._cages is not None:
            self._cages.close()

    def _tool(self, name: str) -> ToolPlan:
        tool = self._plan.tools.get(name) or self._servers.entry(name)
        if tool is None:
            msg = f"there is no tool {name}"
            raise Refused(msg)
        return tool

    def has(self, name: str) -> bool:
        """Return whether a name is a tool's: of the plan, or of one of its MCP servers (``gh.create_issue``)."""
        return name in self._plan.tools or self._servers.entry(name) is not None

    def writes(self, name: str) -> bool:
        """Return whether a tool changes something outside."""
        return self._tool(name).effects not in ("pure", "read")

    async def call(self, boundary: Boundary, name: str, arguments: Json, *, parent: str, laid_over: LaidOver = NOTHING) -> Json:
        """Return what a tool gives for JSON ``arguments``: served, or called and recorded.

        A tool with resources, its own or those laid over them, runs in a child process.

        Raises:
            Semantic: the arguments don't fit, or the tool itself said that they are not acceptable.
            Failure: its reaction to failure is used up.
        """
        tool, offered = self._find(name)
        given = offered.parse(arguments)
        is_caged = (laid_over.resources or tool.resources or laid_over.grant) is not None
        cage = await self._cage(name, tool, laid_over) if is_caged else None
        request = CallRequest(
            parent=parent,
            kind="tool",
            name=name,
            arguments=arguments,
            effects=tool.effects or "write",
            idempotent=tool.idempotent,
            takes_key=isinstance(offered, RemoteTool) or offered.takes_key or tool.reconcile is not None,
            fingerprint=self._lock.callables.get(tool.use or "", ""),
            on_failure=merge_reactions({} if cage is None else cage.reactions, tool.on_failure, laid_over.on_failure),
            cache=self._caching(name, tool, laid_over.cache, given),
            approval=None if tool.approval is None else Approval(tool.approval, offered.schema, offered.parse),
            reconcile=None if tool.reconcile is None else lambda permit: self._happened(tool, offered, given, permit),
            turn=None if cage is None else cage.turn,
        )
        result = await boundary.call(request, partial(self._perform, tool, offered, given, cage))
        if isinstance(result, dict) and set(result) == {FEEDBACK}:
            raise _told(boundary, parent, result[FEEDBACK])
        if isinstance(result, dict) and set(result) == {UNKEPT}:
            raise CallableError(
                result[UNKEPT], type_name="TypeError", help="it happened, and is not repeated; mend the tool, then --redo STEP"
            )
        return result

    async def _cage(self, name: str, tool: ToolPlan, laid_over: LaidOver) -> Cage:
        if tool.mcp is not None:
            raise Refused(f"{name} runs in its server, so it can't be given resources", help="give them to the server")
        return await self._caging().cage(name, laid_over.resources or tool.resources, laid_over.grant)

    def _caging(self) -> Cages:
        if self._cages is None:
            base = None if self._base is None else str(self._base)
            setup = {"plan": to_text(self._plan, full=True), "params": self._params, "base": base}
            target = f"{__package__}.caged_tools:prepare"
            self._cages = Cages(base or ".", self._threads, self._plan.resources, target, setup, self.rungs, self.room)
        return self._cages

    def call_here(self, loop: asyncio.AbstractEventLoop, name: str, arguments: Json, key: str) -> Json:
        """Return what a Python tool gives, called in this thread, whose ``loop`` doesn't run, without a record."""
        tool, offered = self._find(name)
        given = self._arguments(tool, offered, offered.parse(arguments), Permit("", 1, key))
        if isinstance(offered, RemoteTool):
            raise Refused(f"{name} runs in its server")
        try:
            return _fitting(offered, invoke_here(loop, f"the tool {name}", offered.function, given))
        except DarnerError as error:
            kept(error, self._masked)
            raise
        except Exception as error:
            raise self._failed(name, error) from error

    async def _happened(self, tool: ToolPlan, offered: Interface | RemoteTool, given: dict[str, Any], permit: Permit) -> Json:
        """Ask a tool's `reconcile` for the result of a write that broke off: it takes what it names of the write's arguments."""
        ask = values.load(tool.reconcile or "")
        known = self._arguments(tool, offered, given, permit) | {IDEMPOTENCY_KEY: permit.idempotency_key}
        taken = {name: known[name] for name in inspect.signature(ask).parameters if name in known}
        try:
            found = await ask(**taken) if inspect.iscoroutinefunction(ask) else await self._threads.run(ask, **taken)
        except (DarnerError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise self._failed(f"{offered.name}'s reconcile", error) from error
        return values.dump(conform(f"{offered.name}'s reconcile", ask, found))

    def _arguments(self, tool: ToolPlan, offered: Interface | RemoteTool, given: dict[str, Any], permit: Permit) -> dict[str, Any]:
        """Return what a tool is called with: what was asked for or what a person gave instead, what is fixed, its key."""
        asked = given if permit.arguments is None else offered.parse(permit.arguments)
        if isinstance(offered, RemoteTool):
            return asked  # what a server is given stands in its environment or its headers
        if not tool.with_ and not offered.takes_key:
            return asked
        fixed = {key: self._fixed(value) for key, value in tool.with_.items()}
        return {**asked, **fixed, **({IDEMPOTENCY_KEY: permit.idempotency_key} if offered.takes_key else {})}

    def _caching(self, name: str, tool: ToolPlan, laid_over: Cache | None, given: dict[str, Any]) -> Caching | None:
        setting = laid_over or tool.cache
        if setting.scope == "off" or tool.effects not in {"pure", "read"}:
            return None
        return caching(setting, tool_meaning(self._plan, self._params, self._lock, name), values.dump(given))

    async def _perform(
        self, tool: ToolPlan, offered: Interface | RemoteTool, given: dict[str, Any], cage: Cage | None, permit: Permit
    ) -> Outcome:
        key = permit.idempotency_key
        clock = None if tool.timeout is None else asyncio.timeout(tool.timeout)
        try:
            if cage is not None:
                asked = values.dump(given) if permit.arguments is None else permit.arguments
                work: Awaitable[Any] = cage.call({"tool": offered.name, "arguments": asked, "key": key})
            else:
                work = self._invoke(offered, self._arguments(tool, offered, given, permit), key)
            result = await (work if clock is None else _in_time(clock, work))
        except Semantic as refusal:
            return Outcome({FEEDBACK: self._masked(refusal.message)})
        except TimeoutError as late:
            if clock is not None and clock.expired():
                msg = f"the tool {offered.name} took longer than {tool.timeout:g}s"
                raise Network(msg) from late
            raise self._failed(offered.name, late) from late
        except DarnerError as error:
            kept(error, self._masked)
            raise
        except asyncio.CancelledError:
            raise
        except Exception as error:
            raise self._failed(offered.name, error) from error
        return Outcome(result if cage is not None else _kept(tool, offered, result))

    def _invoke(self, offered: Interface | RemoteTool, arguments: dict[str, Any], key: str) -> Awaitable[Any]:
        if isinstance(offered, RemoteTool):
            return self._servers.call(offered.called, arguments, key)
        return invoke(self._threads, f"the tool {offered.name}", offered.function, arguments)

    def _failed(self, name: str, error: BaseException) -> Failure:
        return failed(f"the tool {name}", error, self._masked)

    def _masked(self, text: str) -> str:
        return redact(text, known(self._secrets, self._plan.secrets))

    def _fixed(self, value: Any) -> Any:
        """Return what an entry of ``with`` stands for: a parameter, a dataset's handle, a secret, or itself."""
        if isinstance(value, Mapping):
            return {key: self._fixed(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._fixed(item) for item in value]
        if wires.is_reference(value):
            return self._referenced(value)
        return wires.unescape(wires.substitute(value, self._params))

    def _referenced(self, text: str) -> Any:
        ref = wires.parse_reference(text)
        if ref is None or len(ref.path) != 1 or ref.root not in ("params", "datasets", "secrets"):
            msg = f"`with` of a tool may name $params.x, $datasets.x and $secrets.x, not {text}"
            raise Refused(msg)
        name = str(ref.path[0])
        if ref.root == "secrets":
            return self._secrets.get(name)
        return self._datasets.handle(name) if ref.root == "datasets" else self._params[name]


async def _in_time(clock: asyncio.Timeout, work: Awaitable[Any]) -> Any:
    async with clock:
        return await work


def _kept(tool: ToolPlan, offered: Interface | RemoteTool, result: Any) -> Json:
    """Return a result as JSON. That a write's can't be is recorded as its result: the write itself has happened."""
    try:
        return _fitting(offered, result)
    except CallableError as error:
        if tool.effects != "write":
            raise
        return {UNKEPT: error.message}


def _fitting(offered: Interface | RemoteTool, result: Any) -> Json:
    """Return a result as JSON, after what the tool's annotation says; `CallableError` where it is something else."""
    name = f"the tool {offered.name}"
    return storable(name, result if isinstance(offered, RemoteTool) else fitting(name, offered.gives, result))


def _told(boundary: Boundary, parent: str, words: str) -> Semantic:
    """Return what a tool that refused said, with the call: once whoever asked is tried again, it is made anew."""
    refusal, call = Semantic(words), boundary.last(parent)
    refusal.calls = () if call is None else (call,)
    return refusal


def refuse_unavailable(name: str, tool: ToolPlan) -> None:
    """Refuse a tool that asks for what this version can't do, before anything is started."""
    asked = {
        "sandbox": tool.sandbox is not None,
        "egress": bool(tool.egress),
    }
    wanted = [key for key, is_asked in asked.items() if is_asked]
    if wanted:
        msg = f"the tool {name} asks for {', '.join(wanted)}, which this version of darner can't give"
        raise Refused(msg, help="nothing was started; take it out of the spec, or use a newer darner")
