"""The rules, in the order in which they look; each reports everything that it finds."""

from __future__ import annotations

from collections.abc import Callable

from ..diagnostics import Findings
from ..meaning.pipeline import Pipeline
from .arguments import arguments_fit
from .branches import branches_are_sound
from .cages import code_is_caged
from .ceilings import ceilings_hold
from .circles import chains_end
from .complete import entries_are_complete
from .conversing import what_remembers_is_not_cached
from .doubles import names_mean_one_thing, roots_are_not_hidden
from .ends import ends_fit
from .handles import handles_fit
from .judges import checks_can_judge
from .ladders import ladders_climb
from .money import money_is_counted
from .names import names_are_known
from .outputs import outputs_are_given
from .people import jobs_ask_nobody
from .permissions import permissions_hold
from .private import private_stays_private
from .python import python_is_there
from .reactions import reactions_mean_something
from .references import references_are_known
from .rounds import rounds_end
from .secrecy import secrets_stay_secret
from .stages import stages_fit
from .templates import prompts_fit
from .tiers import calls_go_right
from .types_written import types_are_written_well
from .unused import entries_are_used
from .writes import writes_are_careful

Rule = Callable[[Pipeline, Findings], None]

RULES: tuple[Rule, ...] = (
    names_are_known,
    names_mean_one_thing,
    roots_are_not_hidden,
    entries_are_complete,
    entries_are_used,
    chains_end,
    types_are_written_well,
    python_is_there,
    references_are_known,
    arguments_fit,
    handles_fit,
    checks_can_judge,
    branches_are_sound,
    rounds_end,
    outputs_are_given,
    prompts_fit,
    ceilings_hold,
    ladders_climb,
    reactions_mean_something,
    permissions_hold,
    money_is_counted,
    calls_go_right,
    code_is_caged,
    writes_are_careful,
    what_remembers_is_not_cached,
    private_stays_private,
    secrets_stay_secret,
    stages_fit,
    ends_fit,
    jobs_ask_nobody,
)
