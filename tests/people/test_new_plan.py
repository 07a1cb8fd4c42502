"""A run that is given its spec as it is now: `darner resume RUN --plan new`."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.runtime.cli.pinned import recompiled
from darner.runtime.failures import Refused
from darner.runtime.journal import binding
from darner.runtime.journal.store import open_store

from .office import TRADE, Office

SPEC = """
darner: 1
name: bakery
params:
  log: {type: str}
tools:
  bake: {use: bakery_steps:bake, effects: write, idempotent: true, with: {log: $params.log}}
  sell: {use: bakery_steps:sell, effects: write, idempotent: true, with: {log: $params.log}}
humans:
  baker: {ask: "How many loaves of {{ kind }}?", answer: int}
  guest: {ask: "Anything else?", answer: str, timeout: 3d}
flow:
  inputs: bakery_steps:Order
  steps:
    loaves: {use: bake, map: {over: $inputs.kinds, as: kind, max_parallel: 1}, with: {kind: $kind}}
    many: {use: bakery_steps:is_many, with: {loaves: $loaves}}
    packed: {use: bakery_steps:pack, with: {loaves: $loaves}, when: {many: true}}
    sold: {use: sell, with: {what: $loaves}}
    count: {use: baker, with: {kind: rye}}
    more: {use: guest}
  outputs: {sold: $sold, count: $count, packed: $packed}
"""
STEPS = '''
"""A bakery whose tools write down what they do."""

from pathlib import Path

from pydantic import BaseModel


class Order(BaseModel):
    kinds: list[str]


def note(log: str, line: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(line + "\\n")


def bake(kind: str, log: str) -> str:
    note(log, f"bake {kind}")
    return kind


def is_many(loaves: list[str]) -> bool:
    return len(loaves) > 5


def pack(loaves: list[str]) -> str:
    return " ".join(loaves)


def sell(what: list[str], log: str) -> int:
    note(log, f"sell {len(what)}")
    if Path(log + ".closed").exists():
        raise RuntimeError("the shop is closed")
    return len(what)


def sell_cheap(what: list[str], log: str) -> int:
    note(log, f"sell cheap {len(what)}")
    return len(what)
'''


class Bakery:
    """One run of a spec that is edited while it is under way."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.spec = folder / "bakery.yaml"
        self.spec.write_text(SPEC, encoding="utf-8")
        (folder / "bakery_steps.py").write_text(STEPS, encoding="utf-8")

    def begin(self) -> None:
        """Run until the shop is closed and people are asked."""
        Path(f"{self.office.log}.closed").touch()
        words = ["-i", 'kinds=["rye", "spelt"]', "--set", f"log={self.office.log}", "--run", "r1", "--json"]
        assert self.office("run", str(self.spec), *words) == 3, self.office.err
        assert self.office.effects == ["bake rye", "bake spelt", "sell 2"]
        Path(f"{self.office.log}.closed").unlink()

    def edit(self, old: str, new: str) -> None:
        """Replace some text of the spec."""
        text = self.spec.read_text(encoding="utf-8")
        assert old in text
        self.spec.write_text(text.replace(old, new), encoding="utf-8")

    def resume(self, *words: str) -> int:
        """Go on with the run by its spec as it is now."""
        return self.office("resume", "r1", "--plan", "new", "--json", *words)

    def fork(self) -> int:
        """Begin a new run at the step that sells, by the spec as it is now."""
        return self.office("fork", "r1", "--at", "sold", "--plan", "new", "--json")

    def asked(self) -> list[str]:
        """Return who is asked, as the last command said."""
        return [one["human"] for one in self.office.json()["questions"]]


@pytest.fixture
def bakery(office: Office, tmp_path: Path) -> Bakery:
    made = Bakery(office, tmp_path)
    made.begin()
    return made


def test_what_is_done_stays_done_and_what_is_open_is_done_as_the_new_plan_says(bakery: Bakery) -> None:
    """A failed step gets another callee, an open question another text, a step that asks is gone, a new one is there."""
    office = bakery.office
    assert bakery.asked() == ["baker", "guest"]
    bakery.edit("use: bakery_steps:sell,", "use: bakery_steps:sell_cheap,")
    bakery.edit("How many loaves of {{ kind }}?", "How many {{ kind }} loaves, please?")
    bakery.edit('  guest: {ask: "Anything else?", answer: str, timeout: 3d}\n', "")
    bakery.edit("    more: {use: guest}\n", "    bag: {use: bakery_steps:pack, with: {loaves: $loaves}}\n")
    bakery.edit("packed: $packed}", "packed: $packed, bag: $bag}")
    assert bakery.resume() == 3, office.err
    assert "steps.more  removed" in office.err
    assert "r1 goes on with the spec as it is now" in office.err
    [asked] = office.json()["questions"]
    assert (asked["text"], office.json()["due"]) == ("How many rye loaves, please?", None)
    assert office.effects == ["bake rye", "bake spelt", "sell 2", "sell cheap 2"]
    assert office("answer", "r1", "7", "--resume", "--json") == 0, office.err
    assert office.json()["outputs"] == {"sold": 2, "count": 7, "packed": None, "bag": "rye spelt"}
    assert office.effects[4:] == []
    assert bakery.resume() == 0
    assert "the spec is as it was" in office.err


def test_what_the_old_plan_decided_is_decided_anew_and_what_has_another_shape_is_done_anew(bakery: Bakery) -> None:
    """A skipped step whose `when` changed runs; a map over something else is expanded again, and equal items cost nothing."""
    office = bakery.office
    bakery.edit("when: {many: true}", "when: {many: false}")
    bakery.edit("sold: {use: sell, with: {what: $loaves}}", "sold: {use: sell, with: {what: [$item]}, map: {over: $loaves}}")
    assert bakery.resume() == 3, office.err
    assert office("answer", "r1", "baker", "1") == 0
    assert office("answer", "r1", "guest", "no", "--resume", "--json") == 0, office.err
    assert office.json()["outputs"] == {"sold": [1, 1], "count": 1, "packed": "rye spelt"}
    assert office.effects == ["bake rye", "bake spelt", "sell 2", "sell 1", "sell 1"]


def test_a_run_keeps_its_plan_where_the_new_one_is_wrong_or_doesn_t_fit(bakery: Bakery) -> None:
    """Exit 2, nothing changed: the run goes on with what it had."""
    office = bakery.office
    good = bakery.spec.read_text(encoding="utf-8")
    for old, new, said in (
        ("use: baker,", "use: bakr,", "bakr"),
        ("name: bakery\n", "name: bakery\nsecrets: [NOWHERE]\n", "NOWHERE"),
        ("inputs: bakery_steps:Order", "inputs: {kinds: list[str], day: str}", "inputs"),
        ("params:\n", "params:\n  size: {type: int}\n", "size"),
        ("name: bakery\n", "name: bakery\npolicy: {max_memory: 1Gi}\n", "another policy"),
    ):
        bakery.spec.write_text(good.replace(old, new), encoding="utf-8")
        for go_on in (bakery.resume, bakery.fork):
            assert go_on() == 2, new
            assert said in office.out + office.err, office.err
    bakery.spec.write_text(good, encoding="utf-8")
    assert office.state().epoch == 1
    assert office("resume", "r1", "--policy", str(bakery.spec)) == 2
    assert office("fork", "r1", "--at", "sold", "--policy", str(bakery.spec)) == 2
    assert office("resume", "--due", "--plan", "new") == 2
    assert office("resume", "r1") == 3
    assert office.effects == ["bake rye", "bake spelt", "sell 2", "sell 2"]


def test_a_run_that_is_over_needs_no_new_plan_unless_a_step_is_redone(bakery: Bakery) -> None:
    """Refused; with --redo it is gone on with by the new plan."""
    office = bakery.office
    assert office("answer", "r1", "baker", "1") == 0
    assert office("answer", "r1", "guest", "no", "--resume") == 0, office.err
    bakery.edit("use: bakery_steps:sell,", "use: bakery_steps:sell_cheap,")
    assert bakery.resume() == 2
    assert "is over (done)" in office.err
    assert bakery.resume("--redo", "sold") == 0, office.err
    assert office.effects[-1] == "sell cheap 2"
    assert office("fork", "r1", "--at", "sold", "--run", "r2") == 0
    assert office("resume", "r2", "--json") == 0, office.err
    assert office.json()["outputs"]["sold"] == 2


def test_whatever_moment_a_process_dies_at_while_a_plan_takes_the_place_of_another_there_is_one(bakery: Bakery) -> None:
    """The new plan's files without the name that makes them count are nothing; with it, a plain resume takes the new plan up."""
    office, store = bakery.office, open_store(bakery.office.store)
    old = binding.load(store, "r1")
    bakery.edit("How many loaves of {{ kind }}?", "How many {{ kind }}?")
    half = store.local_path("runs/r1/plans/2/plan.yaml")
    assert half is not None
    half.parent.mkdir(parents=True)
    half.write_text("the beginning of a pl", encoding="utf-8")
    assert office("resume", "r1") == 3
    assert "How many loaves of rye?" in office.err
    bakery.edit("    more: {use: guest}\n", "    more: {use: baker, with: {kind: oat}}\n")
    bakery.edit('  guest: {ask: "Anything else?", answer: str, timeout: 3d}\n', "")
    binding.rebind(store, binding.renewed(old, recompiled(old)))
    assert office("resume", "r1", "--json") == 3
    assert sorted(one["text"] for one in office.json()["questions"]) == ["How many oat?", "How many rye?"]
    assert [one.plan is None for one in office.events() if one.kind == "taken_up"] == [True, True, False]
    for asked in office.json()["questions"]:
        assert office("answer", "r1", asked["question"], "2") == 0
    assert office("resume", "r1", "--json") == 0, office.err


def test_two_who_give_a_run_another_plan_are_one_too_many(bakery: Bakery) -> None:
    """The second is refused: what it compared its plan with isn't there any more."""
    store = open_store(bakery.office.store)
    old = binding.load(store, "r1")
    for text, fits in (("One?", True), ("Two?", False)):
        bakery.spec.write_text(SPEC.replace("Anything else?", text), encoding="utf-8")
        new = binding.renewed(old, recompiled(old))
        if fits:
            binding.rebind(store, new)
        else:
            with pytest.raises(Refused, match="another plan meanwhile"):
                binding.rebind(store, new)


def test_diff_says_that_a_run_whose_step_waits_for_a_rescue_is_safe(office: Office, tmp_path: Path) -> None:
    """It failed, a person is asked, and that is all: taking it up does nothing new."""
    assert office.run("stuck.yaml") == 3
    spec = str(TRADE / "stuck.yaml")
    assert office("diff", spec, spec, "--runs", "--json", "--set", f"log={office.log}") == 0, office.err
    [told] = office.json()["runs"]
    assert (told["verdict"], told["error"], told["renewed"]) == ("safe", None, None)
    assert office.effects == ["tried"]


def test_diff_says_what_a_new_plan_would_do_to_a_run_and_that_is_what_happens(bakery: Bakery) -> None:
    """Of a pinned run: what becomes of it by itself, and with --plan new."""
    office = bakery.office
    before = bakery.spec.with_name("old.yaml")
    before.write_text(SPEC, encoding="utf-8")
    bakery.edit("How many loaves of {{ kind }}?", "How many {{ kind }}?")
    assert office("diff", str(before), str(bakery.spec), "--runs", "--json") == 0, office.err
    [told] = office.json()["runs"]
    assert (told["verdict"], told["renewed"]["verdict"], told["renewed"]["asks_again"]) == ("pinned", "asks again", ["baker"])
    assert office("diff", str(before), str(bakery.spec), "--runs") == 0
    assert "with --plan new: asks again: baker" in office.out
    assert bakery.resume() == 3
    assert [one.human for one in office.events() if one.kind == "question_asked"] == ["baker", "guest", "baker"]


def test_diff_says_that_a_question_is_asked_again_where_its_step_has_another_name(bakery: Bakery) -> None:
    """The old one is closed, and the same person gets the same text once more: that is not safe."""
    office = bakery.office
    before = bakery.spec.with_name("old.yaml")
    before.write_text(SPEC, encoding="utf-8")
    bakery.edit("    count: {use: baker", "    counted: {use: baker")
    bakery.edit("count: $count", "count: $counted")
    assert office("diff", str(before), str(bakery.spec), "--runs", "--json") == 0, office.err
    [told] = office.json()["runs"]
    assert (told["renewed"]["verdict"], told["renewed"]["asks_again"]) == ("asks again", ["baker"])
    assert bakery.resume() == 3
    assert [one.human for one in office.events() if one.kind == "question_asked"] == ["baker", "guest", "baker"]
