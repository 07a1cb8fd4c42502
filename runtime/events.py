"""The journal's words: a frozen, versioned, tagged union. What is shown to anybody is folded from these."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from ..compiler.frozen import Frozen
from ..compiler.settings import FailureClass

VERSION = 1


class RunStarted(Frozen):
    """A run begins: the digest of its plan's text, its inputs, its bound parameters."""

    kind: Literal["run_started"] = "run_started"
    at: float
    run: str
    plan: str
    user: str | None = None
    forked: str | None = None
    """The run that this is a fork of, and where: ``RUN at STEP``."""


class TakenUp(Frozen):
    """An owner opened the journal: the first time, or again after a crash or a pause."""

    kind: Literal["taken_up"] = "taken_up"
    at: float
    epoch: int
    owner: str
    redo: tuple[str, ...] = ()
    """Steps that a person wants done anew: what was recorded of them, their calls too, no longer counts."""
    again: tuple[str, ...] = ()
    """Steps that depend on those, or mean something else in a new plan: their outcomes no longer count, but finished calls are served."""
    plan: str | None = None
    """The digest of the run's plan, where a person gave it another one since it was last taken up."""
    gone: tuple[str, ...] = ()
    """Calls that wait on behalf of what the new plan doesn't have: they wait no longer."""
    keeps: bool = False
    """Steps that failed stay failed: the run was parked, what it waited for has come, and nobody has mended anything."""


class CallStarted(Frozen):
    """An attempt began. For a write this is the intent, durable before the write begins."""

    kind: Literal["call_started"] = "call_started"
    at: float
    call: str
    parent: str
    what: Literal["model", "tool", "agent", "callable", "human"]
    name: str
    attempt: int
    effects: Literal["pure", "read", "write"] = "read"
    task: str = ""
    """The asyncio task of an orchestrator that asked, as numbers of its creators: ``2.1``; empty for its own."""


class Cached(Frozen):
    """What a cache said about a call."""

    scope: Literal["run", "user", "shared"]
    key: str
    hit: bool = False
    reason: str = ""
    """Of a miss: what was looked at, and why it didn't count."""
    origin: str = ""
    """Of a hit: the run and the call that made the result, as ``run/call``."""
    made: float | None = None
    """Of a hit: when that was."""


class CallFinished(Frozen):
    """A call has its result. ``value`` is JSON, or None with ``blob`` naming where it is."""

    kind: Literal["call_finished"] = "call_finished"
    at: float
    call: str
    parent: str
    what: Literal["model", "tool", "agent", "callable", "human"]
    name: str
    value: Any = None
    blob: str | None = None
    fingerprint: str = ""
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    seconds: float = 0.0
    source: Literal["made", "cache", "fork"] = "made"
    """Whether the call was made, an equal one's result was served, or it was copied with the run that this is a fork of."""
    cached: Cached | None = None
    """Where the call may be cached: what the cache said."""
    replaces: tuple[str, ...] = ()
    """Of an agent whose conversation was too long: the calls whose messages its own stand for, shorter, from now on."""


class CallMade(CallFinished):
    """A call's start and its result at once: how a journal writes them where nothing came between them in one record."""

    # A tag has one value for each kind, and what it is the tag of is a finished call all the same.
    kind: Literal["call_made"] = "call_made"  # type: ignore[assignment] # pyright: ignore[reportIncompatibleVariableOverride]
    began: float
    """When the start happened; ``at`` is the end's."""
    attempt: int = 1
    effects: Literal["pure", "read", "write"] = "read"
    task: str = ""

    def apart(self) -> tuple[CallStarted, CallFinished]:
        """Return the two that it stands for."""
        told: dict[str, Any] = {name: getattr(self, name) for name in CallFinished.model_fields if name != "kind"}
        who = {name: told[name] for name in ("call", "parent", "what", "name")}
        return CallStarted(at=self.began, attempt=self.attempt, effects=self.effects, task=self.task, **who), CallFinished(**told)


class Said(Frozen):
    """One message of an agent's conversation that goes on over its calls; it comes before the end of its call, in one commit."""

    kind: Literal["said"] = "said"
    at: float
    call: str
    value: Any = None
    blob: str | None = None


class CallFailed(Frozen):
    """An attempt failed; ``final`` says that its policy is used up."""

    kind: Literal["call_failed"] = "call_failed"
    at: float
    call: str
    parent: str
    name: str
    attempt: int
    failure: FailureClass
    type: str
    message: str
    help: str | None = None
    raised: Any = None
    """What user code raised, where that used up the policy: by its type, arguments and causes, see `exceptions`."""
    final: bool = False
    calls: tuple[str, ...] | None = None
    """Of an agent: what failed with it, and the answers that were refused: made anew once it is tried again. None: all that failed."""
    lost: tuple[str, ...] = ()
    """Of an agent that goes on with a conversation: the calls whose messages can't be read, or came after such; it went on without."""
    wait: float = 0.0
    """Seconds that were to be waited for the next attempt."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    @property
    def where(self) -> str:
        """Where user code raised it, as ``raised at file:line in function``; empty where that isn't on record."""
        place = self.raised.get("place") if isinstance(self.raised, dict) else None
        return place if isinstance(place, str) else ""


class AnswerRefused(Frozen):
    """An answer came, and whoever asked did not accept it: what its request cost was for nothing."""

    kind: Literal["answer_refused"] = "answer_refused"
    at: float
    call: str
    """The request that it answered."""
    failure: FailureClass = "semantic"
    type: str = ""
    message: str = ""


class StepFinished(Frozen):
    """A step (or one item of a mapped step) has its value. ``step`` is a path: ``rank``, ``research[3]``."""

    kind: Literal["step_finished"] = "step_finished"
    at: float
    step: str
    value: Any = None
    blob: str | None = None
    call: str | None = None
    """The call whose result it is; then the value stands there, and not here again."""


class StepSkipped(Frozen):
    """A step will not run: its `when` is false, what it reads was skipped, or its failure policy says skip."""

    kind: Literal["step_skipped"] = "step_skipped"
    at: float
    step: str
    reason: str


class StepFailed(Frozen):
    """A step's failure policy is used up."""

    kind: Literal["step_failed"] = "step_failed"
    at: float
    step: str
    failure: FailureClass
    type: str
    message: str
    place: str = ""
    calls: tuple[str, ...] | None = None
    """The calls that failed with it: made anew once the run is taken up. None: all that failed on behalf of the step."""
    value: Any = None
    blob: str | None = None
    """Of a loop that is exhausted: its last state."""


class MapExpanded(Frozen):
    """A mapped step knows its items."""

    kind: Literal["map_expanded"] = "map_expanded"
    at: float
    step: str
    count: int


class QuestionAsked(Frozen):
    """A person is asked. A call asks once; it asks anew where the text of an open question, or the type of an answer, changed."""

    kind: Literal["question_asked"] = "question_asked"
    at: float
    call: str
    """The call that waits. An approval's is the call that is to be approved."""
    parent: str
    question: str
    """The name of its answer: unique in the run, and never used again."""
    human: str
    about: Literal["question", "approval", "rescue", "reconcile"] = "question"
    text: str
    answer_schema: Any = None
    """The JSON Schema that an answer must fit; None where anything fits."""
    digest: str = ""
    due: float | None = None
    """When the wait ends, in seconds since 1970; None for never."""
    remind: float | None = None
    """Seconds between reminders."""
    shown: Any = None
    """What the person decides about: a write's exact arguments, or what was tried and what it cost."""
    blob: str | None = None
    """In a journal, of a large question: names the object that holds `text`, `answer_schema` and `shown`."""


class QuestionClosed(Frozen):
    """A question is over. For an approval it is in the same commit as the write's intent."""

    kind: Literal["question_closed"] = "question_closed"
    at: float
    call: str
    question: str
    by: Literal["answer", "timeout", "default", "escalated", "cancelled", "changed"]
    value: Any = None
    blob: str | None = None
    who: str | None = None
    message: int | None = None
    """The number of the message of the inbox that answered before anybody was asked."""


class TimerSet(Frozen):
    """A call waits for a time. Its end is the call's, or the beginning of the call's next attempt, which a limit put off."""

    kind: Literal["timer_set"] = "timer_set"
    at: float
    call: str
    parent: str
    due: float


class TurnAwaited(Frozen):
    """A call waits for its turn at what is limited, until its next attempt begins: nobody's time, and no attempt of anybody's."""

    kind: Literal["turn_awaited"] = "turn_awaited"
    at: float
    call: str
    parent: str
    name: str = ""
    over: bool = False
    """It waits no longer, and does not begin: whoever asked gave it up."""


class RunParked(Frozen):
    """Nothing but long waits is left: the process gives the run up, and whoever finds it due takes it up again."""

    kind: Literal["run_parked"] = "run_parked"
    at: float


class RoundStarted(Frozen):
    """A loop's round begins with this state; what happened in the round before is of no concern any more."""

    kind: Literal["round_started"] = "round_started"
    at: float
    step: str
    """The loop's path: ``improve``, ``improve[3]``, ``improve/2/inner``."""
    round: int
    value: Any = None
    blob: str | None = None


class Drifted(Frozen):
    """A step was gone on with, and never asked again for calls that are on record."""

    kind: Literal["drifted"] = "drifted"
    at: float
    step: str
    calls: tuple[str, ...]


class LetGo(Frozen):
    """The owner gave the run up in good order: it was told to stop, or the run waits. A killed one leaves none."""

    kind: Literal["let_go"] = "let_go"
    at: float
    epoch: int


class RunFinished(Frozen):
    """A run is over."""

    kind: Literal["run_finished"] = "run_finished"
    at: float
    status: Literal["done", "failed", "cancelled"]
    outputs: Any = None
    blob: str | None = None
    error: str | None = None


Event = Annotated[
    RunStarted
    | TakenUp
    | CallStarted
    | CallFinished
    | CallMade
    | Said
    | CallFailed
    | AnswerRefused
    | StepFinished
    | StepSkipped
    | StepFailed
    | MapExpanded
    | RunFinished
    | RoundStarted
    | Drifted
    | LetGo
    | QuestionAsked
    | QuestionClosed
    | TimerSet
    | TurnAwaited
    | RunParked,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
