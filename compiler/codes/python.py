"""E4xx: Python that is not there, and types that don't fit."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E401": Code(
        "a module that can't be imported",
        "A callable is named module.path:attr. The module is looked for beside the spec first, then in the environment, and imported "
        "in a child process with a time limit: importing must not wait, print a prompt, or end the process.",
        "use: shop.tols:search      # shop.tools:search",
    ),
    "E402": Code(
        "a name that the module doesn't have",
        "The module can be imported, and has no attribute of this name.",
        "use: shop.tools:serach      # shop.tools:search",
    ),
    "E403": Code(
        "an annotation is missing",
        "Wires are typed by Python annotations, and nothing is declared twice. Each parameter and the result need one; Any is allowed, "
        "and switches the check off for that wire.",
        "def rank(state, hits): ...      # def rank(state: State, hits: list[Product]) -> Ranked: ...",
    ),
    "E404": Code(
        "an unknown argument",
        "The callable has no parameter of this name, or the agent's input no such field, or the text that a human is asked names no "
        "such variable.",
        "with: {qurey: $plan.query}      # query",
    ),
    "E405": Code(
        "a missing argument",
        "A parameter without a default must be given.",
        "hits: {use: search}      # with: {query: $plan.query}",
    ),
    "E406": Code(
        "a type that doesn't fit",
        "The value that flows here is of another type than what is asked for. Records are compared field by field: more fields than "
        "are asked for are fine, fewer are not.",
        "with: {limit: many}      # limit: 50",
    ),
    "E407": Code(
        "the wrong kind of thing",
        "A type is asked for and a function is named, or the other way round. Types are pydantic models, dataclasses, TypedDicts, "
        "Literals, Enums, and lists of them; callables are functions, and classes with __call__. "
        "What a dataset uses is a function or any class.",
        "input: shop.tools:search      # shop.types:Request",
    ),
    "E408": Code(
        "not a type",
        "A type is str, int, float, bool, module.path:Name, or list[TYPE]. Anything richer gets a name in Python.",
        "answer: dict      # shop.types:Answer",
    ),
    "E409": Code(
        "arguments that can't be passed so",
        "`with: $ref` passes one value as the only parameter; `with: {name: value}` passes arguments by name.",
        "rank: {use: shop.steps:rank, with: $research}      # rank takes two: with: {state: $research, hits: $hits}",
    ),
    "E410": Code(
        "a check that can't judge",
        "An agent's check takes the answer, or the input and the answer, with types that they fit. False, a text or a ValueError "
        "refuses the answer, and the reason is fed back to the model.",
        "check: shop.checks:in_stock      # def in_stock(plan: Plan) -> bool",
    ),
    "E411": Code(
        "a call that has no handle",
        "A step that lists `calls` is an async function with a parameter for each of them: Call[In, Out] for a tool or an agent, "
        "Call[Any, Out] where it takes keyword arguments, Ask[A] for a human. A dot in a name is an underscore in Python.",
        "calls: [researcher]      # async def research(plan: Plan, researcher: Call[Task, list[Finding]]) -> State",
    ),
}
