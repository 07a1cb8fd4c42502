"""Models: from a plan's entry to a pydantic-ai model, built once, with its secret read when it is first needed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from ....compiler.diagnostics import did_you_mean
from ....compiler.permits import host_of, host_permitted, model_permitted
from ....compiler.plan import ModelPlan
from ....compiler.providers import is_provider
from ....compiler.settings import Price
from ....compiler.spec import Policy
from ....compiler.wires import references
from ...amounts import Usage, cost
from ...failures import DarnerError, Refused
from ...ports import Clock, Json, Resolver, Secrets
from ...wiring import resolve
from .. import values
from ..limits.access import listening, pace_of
from ..limits.pace import Pace
from ..secrets import known, redact
from ..world import new_uuid
from .resolving import SystemResolver, client_through, takes_client

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.usage import RequestUsage

OUTPUT = "output"
"""An entry of a model's ``params`` that is darner's: how it is asked for typed output (see `MODES`)."""
STREAM = "stream"
"""Another one: ask for the answer in pieces. It is recorded whole; what breaks off is a failed attempt."""
WINDOW = "window"
"""A third: how many tokens a conversation may have, where the provider's own figure isn't known, or is another."""
LONGEST = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""How pydantic-ai calls the limit of an answer, and after it what some providers call it."""
OURS = frozenset({OUTPUT, STREAM, WINDOW})

MODES = ("tool", "native", "prompted")
CHAT = ("openai", "openai-chat")
NO_KEY = "none"
"""What servers that need no key are sent, because the client can't send nothing."""


def need_agents() -> None:
    """Refuse with an install hint where the agents extra is missing."""
    try:
        importlib.import_module("pydantic_ai")
        importlib.import_module("openai")
    except ImportError as error:
        msg = f"agents need the package {error.name}"
        raise Refused(msg, help="pip install 'darner[agents]'") from error


class Models:
    """The models of one plan.

    Args:
        plans: their entries.
        secrets: where keys come from.
        places: a target's, which take the place of plans of the same name.
        params: the run's bound parameters, for entries that name ``$params.x``.
        policy: what entries must keep to once parameters are in them; a target's places are the platform's own.
        prices: those of entries that name none, where they are known.
        resolver: where the names of their servers become addresses.
        run: whose calls have their turn together where a model's users are many; by itself where it isn't given.
        clock: the run's.
    """

    def __init__(  # noqa: PLR0913 - what a plan's models are made of, given by name
        self,
        plans: Mapping[str, ModelPlan],
        *,
        secrets: Secrets,
        places: Mapping[str, ModelPlan] | None = None,
        params: Mapping[str, Json] | None = None,
        policy: Policy | None = None,
        prices: Mapping[str, Price] | None = None,
        resolver: Resolver | None = None,
        run: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._plans = {**plans, **(places or {})}
        self._places = places or {}
        self._params = params or {}
        self._policy = policy or Policy()
        self._prices = prices or {}
        self._bound: dict[str, ModelPlan] = {}
        self._said: dict[str, Mapping[str, Json]] = {}
        self._secrets = secrets
        self._built: dict[str, Model] = {}
        self._paces: dict[str, Pace] = {}
        self._clients = AsyncExitStack()
        self._resolver = resolver or SystemResolver()
        self._run = run or new_uuid()
        self._clock = clock

    def plan(self, name: str) -> ModelPlan:
        """Return a model's plan with parameters and secrets in it; `Refused` where there is none of that name."""
        if name not in self._plans:
            msg = f"there is no model {name}"
            raise Refused(msg, help=did_you_mean(name, self._plans))
        if name not in self._bound:
            bound = _bound(name, self._plans[name], self._params, self._secrets)
            if name not in self._places:
                _refuse_forbidden(name, bound, self._policy)
            self._bound[name] = bound
        return self._bound[name]

    def chain(self, name: str) -> tuple[str, ...]:
        """Return a model's name and those of its fallbacks, in the order in which they are tried."""
        found: list[str] = []
        following: str | None = name
        while following is not None and following not in found:
            found.append(following)
            following = self.plan(following).fallback
        return tuple(found)

    def model(self, name: str) -> Model:
        """Return a model, built when it is first asked for; `Refused` where that can't be."""
        if name not in self._built:
            need_agents()
            self._built[name] = self._build(name, self.plan(name))
        return self._built[name]

    def settings(self, name: str) -> dict[str, Any]:
        """Return what every request to a model carries: the plan's ``params``, and no retries of the client's own."""
        plan = self.plan(name)
        if not is_provider(plan.use):
            return {}
        own = {} if "max_retries" in self.model(name).unsupported_settings else {"max_retries": 0}
        return own | {key: value for key, value in plan.params.items() if key not in OURS}

    def said_params(self, name: str) -> Mapping[str, Json]:
        """Return a model's ``params`` as they identify its requests: secrets by their names, so that a new key asks nothing anew."""
        if name not in self._said:
            self.plan(name)
            self._said[name] = _said(self._plans[name].params, self._params)
        return self._said[name]

    def mode(self, name: str) -> str:
        """Return how a model is asked for typed output: ``tool``, ``native`` or ``prompted``."""
        mode = self.plan(name).params.get(OUTPUT, MODES[0])
        if mode not in MODES:
            msg = f"the model {name} has params.output {mode!r}"
            raise Refused(msg, help=f"write one of: {', '.join(MODES)}")
        return str(mode)

    def streams(self, name: str) -> bool:
        """Return whether a model's answers are asked for in pieces: some servers and proxies cut connections that are silent."""
        plan = self.plan(name)
        if not is_provider(plan.use):
            return False
        wanted = plan.params.get(STREAM, False)
        if not isinstance(wanted, bool):
            msg = f"the model {name} has params.stream {wanted!r}"
            raise Refused(msg, help="write true or false")
        return wanted

    def window(self, name: str) -> int | None:
        """Return how many tokens a request to a model may have, as its entry says, or pydantic-ai knows; None for unknown."""
        wanted = self.plan(name).params.get(WINDOW)
        if wanted is None:
            return self.model(name).context_window
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
            msg = f"the model {name} has params.window {wanted!r}"
            raise Refused(msg, help="write the tokens that fit into it, like 128000")
        return wanted

    def longest(self, name: str) -> int | None:
        """Return how many tokens an answer of a model may have, as its requests say; None where they say nothing.

        That is what is sent: its entry's ``max_tokens``, or that of the model that a callable built, unless ``extra_body`` says
        it in the provider's own words.
        """
        settings = {**(self.model(name).settings or {}), **self.settings(name)}
        body = settings.get("extra_body")
        own = [body[one] for one in LONGEST if one in body] if isinstance(body, dict) else []
        for wanted in (longest := own or [settings[one] for one in LONGEST[:1] if settings.get(one) is not None]):
            if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
                msg = f"the model {name} has params.{LONGEST[0]} {wanted!r}"
                raise Refused(msg, help="write the tokens that an answer may have, like 800")
        return max(longest, default=None)

    def price(self, name: str) -> Price | None:
        """Return what a model costs: as its entry says, else as it was known when the spec was compiled."""
        return self.plan(name).price or self._prices.get(name)

    def used(self, name: str, told: RequestUsage) -> Usage:
        """Return what a request used, as its provider told it, and what that cost; nothing for a model without a price."""
        cached = {"cache_read": told.cache_read_tokens, "cache_write": told.cache_write_tokens}
        money = cost(self.price(name), told.input_tokens, told.output_tokens, **cached)
        return Usage(1, told.input_tokens, told.output_tokens, money)

    def pace(self, name: str) -> Pace:
        """Return what keeps the requests to a model within its ``rate``, shared with all on this machine that use it."""
        if name not in self._paces:
            plan = self.plan(name)
            self._paces[name] = pace_of(
                plan, self._secrets.get(plan.secret) if plan.secret else None, self._run, self._clock, self._plans[name]
            )
        return self._paces[name]

    async def close(self) -> None:
        """Close every connection."""
        self._built.clear()
        for pace in self._paces.values():
            pace.close()
        self._paces.clear()
        await self._clients.aclose()

    def _build(self, name: str, plan: ModelPlan) -> Model:
        prefix, _, model_name = plan.use.partition(":")
        key = self._secrets.get(plan.secret) if plan.secret else None
        if not is_provider(plan.use):
            return _called(name, plan, self._values_of(name))
        client = partial(self._client, name)
        return self._chat(model_name, plan.base_url, key, client) if prefix in CHAT else _inferred(name, plan, key, client)

    def _values_of(self, name: str) -> tuple[str, ...]:
        """Return the secrets that a model's ``params`` hold."""
        return known(self._secrets, _secrets_in(self._plans[name].params))

    def _client(self, name: str) -> httpx2.AsyncClient:
        http = listening(client_through(self._resolver), partial(self.pace, name))
        self._clients.push_async_callback(http.aclose)
        return http

    def _chat(self, model_name: str, base_url: str | None, key: str | None, client: Callable[[], httpx2.AsyncClient]) -> Model:
        from openai import AsyncOpenAI  # noqa: PLC0415 - only runs with agents pay for it
        from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415 - likewise
        from pydantic_ai.profiles.openai import OpenAIModelProfile  # noqa: PLC0415 - likewise
        from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415 - likewise

        if key is None and base_url is None:
            msg = f"the model openai:{model_name} has neither a secret nor a base_url"
            raise Refused(msg, help="write `secret: OPENAI_API_KEY` in its entry, and name it under `secrets`")
        # The failure policy tries again, and counts it; a client that does so by itself would hide it.
        asked = AsyncOpenAI(api_key=key or NO_KEY, base_url=base_url, max_retries=0, http_client=client())
        # Otherwise a stream that breaks off would pass for an answer.
        whole = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
        return OpenAIChatModel(model_name, provider=OpenAIProvider(openai_client=asked), profile=whole)


def _bound(name: str, plan: ModelPlan, params: Mapping[str, Json], secrets: Secrets) -> ModelPlan:
    """Return a plan with what its references stand for."""
    written = {"use": plan.use, "base_url": plan.base_url, "params": plan.params}
    roots: dict[str, Json] = {"params": dict(params), "secrets": {one: secrets.get(one) for one in _secrets_in(written)}}
    try:
        return plan.model_copy(update=resolve(written, roots.__getitem__, params))
    except KeyError as error:
        msg = f"the model {name} names {error}, which is neither one of the run's params nor a secret"
        raise Refused(msg) from None


def _said(written: Mapping[str, Json], params: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return ``params`` with the run's in them, and secrets as they are written."""
    roots: dict[str, Json] = {"params": dict(params), "secrets": {one: f"$secrets.{one}" for one in _secrets_in(written)}}
    found: dict[str, Json] = resolve(written, roots.__getitem__, params)
    return found


def _secrets_in(written: Mapping[str, Any]) -> list[str]:
    return [str(one.path[0]) for one in references(written) if one.root == "secrets" and one.path]


def _refuse_forbidden(name: str, plan: ModelPlan, policy: Policy) -> None:
    """Hold the policy where a parameter decided: the compiler has seen the rest."""
    if not model_permitted(policy.models, name, plan.use):
        msg = f"the model {name} is {plan.use}, which is not among policy.models {', '.join(policy.models or ()) or '(none)'}"
        raise Refused(msg)
    if plan.base_url is not None and not host_permitted(policy.egress, plan.base_url):
        allowed = ", ".join(policy.egress or ()) or "(none)"
        msg = f"the model {name} is reached at {host_of(plan.base_url)}, which is not among policy.egress {allowed}"
        raise Refused(msg)


def _called(name: str, plan: ModelPlan, hidden: Iterable[str]) -> Model:
    from pydantic_ai.models import Model  # noqa: PLC0415 - only runs with agents pay for it

    try:
        built = values.load(plan.use)(**{key: value for key, value in plan.params.items() if key not in {OUTPUT, WINDOW}})
    except DarnerError:
        raise
    except Exception as error:  # noqa: BLE001 - packages of providers raise exceptions of their own
        msg = f"the model {name} can't be built by {plan.use}: {type(error).__name__}: {redact(str(error), hidden)}"
        raise Refused(msg, help="its `params` are handed over as keyword arguments") from None
    if not isinstance(built, Model):
        msg = f"{plan.use} gives a {type(built).__name__}, not a pydantic-ai model"
        raise Refused(msg)
    return built


def _install(error: ImportError) -> str:
    """Return what to install: pydantic-ai says which of its extras, or Python which module."""
    extra = re.search(r'pip install "([^"]+)"', str(error))
    wanted = extra[1] if extra else error.name
    return f"pip install '{wanted}'" if wanted else str(error)


def _inferred(name: str, plan: ModelPlan, key: str | None, client: Callable[[], httpx2.AsyncClient]) -> Model:
    from pydantic_ai.exceptions import UserError  # noqa: PLC0415 - only runs with agents pay for it
    from pydantic_ai.models import infer_model  # noqa: PLC0415 - likewise
    from pydantic_ai.providers import Provider, infer_provider_class  # noqa: PLC0415 - likewise

    given = {"api_key": key, "base_url": plan.base_url}

    def provider(prefix: str) -> Provider[Any]:
        made = infer_provider_class(prefix)
        own = {"http_client": client()} if takes_client(made) else {}
        return made(**{option: value for option, value in given.items() if value is not None}, **own)

    try:
        return infer_model(plan.use, provider_factory=provider)
    except ImportError as error:
        msg = f"the model {name} ({plan.use}) needs a package that isn't installed"
        raise Refused(msg, help=_install(error)) from error
    except (UserError, TypeError, ValueError) as error:
        msg = f"the model {name} ({plan.use}) can't be built: {error}"
        raise Refused(msg, help="look at its `use`, `secret` and `base_url`") from None
