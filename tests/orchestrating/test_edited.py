"""Code that is edited between a crash and the resume: what is on record is served, what is new is done, what is left is told."""

from __future__ import annotations

import pytest

from .conftest import Journey

STEPS, TOOLS = "tours/steps.py", "tours/tools.py"


def booked(journey: Journey) -> list[str]:
    return sorted(line for line in journey.effects if line.startswith("book"))


def killed_when_all_is_booked(journey: Journey) -> list[str]:
    """Run until the sleep before the payment begins, and return what was booked."""
    assert journey.go(dies_with="timer_set") is None
    assert len(booked(journey)) == 3
    return booked(journey)


def test_an_edited_write_tool_does_not_write_again(journey: Journey) -> None:
    """Its results on record are served, whatever it would do now: no new key, no second booking."""
    before = killed_when_all_is_booked(journey)
    journey.edit(TOOLS, "return Booking(night=room.night, number=number", "return Booking(night=room.night.upper(), number=number")
    told = journey.go()
    assert (told["status"], told["drift"]) == ("done", {})
    assert booked(journey) == before
    assert [one["night"] for one in told["outputs"]["bookings"]] == ["mo", "tu", "mo"]


def test_an_edited_helper_changes_nothing_that_is_on_record(journey: Journey) -> None:
    """A helper of the orchestrator may be changed, renamed, moved: calls are known by what they are, not by where they stand."""
    before = killed_when_all_is_booked(journey)
    journey.edit(STEPS, "async def one(night: str)", "async def by_night(night: str)")
    journey.edit(STEPS, "(one(night) for night", "(by_night(night) for night")
    told = journey.go(strict=True)
    assert (told["status"], told["drift"]) == ("done", {})
    assert booked(journey) == before


def test_a_call_that_is_added_is_made_and_all_others_are_served(journey: Journey) -> None:
    """Even where it comes first: a position in the run means nothing (DBOS counts positions: dbos-transact-py#688)."""
    before = killed_when_all_is_booked(journey)
    journey.edit(STEPS, "    bookings = await", '    await find("su")\n    bookings = await')
    told = journey.go()
    assert told["status"] == "done"
    assert booked(journey) == before
    assert journey.effects.count("find su") == 1
    assert journey.effects.count("find tu") == 1


def test_taking_a_moment_more_disturbs_no_other(journey: Journey) -> None:
    """One more random number broke every sleeper in Temporal (sdk-python#1109); here moments are counted by kind and task."""
    before = killed_when_all_is_booked(journey)
    journey.edit(STEPS, "    bookings = await", "    darner.random()\n    bookings = await")
    told = journey.go(strict=True)
    assert told["status"] == "done"
    assert booked(journey) == before


def test_a_call_that_is_no_longer_asked_for_is_told_as_drift(journey: Journey) -> None:
    """The run goes on all the same, and says what it left behind."""
    killed_when_all_is_booked(journey)
    journey.edit(STEPS, "for night in wish.nights))", "for night in wish.nights[:2]))")
    told = journey.go()
    assert told["status"] == "done"
    assert sorted(told["drift"]["trip"]) == ["book", "darner.uuid", "find"]


def test_a_strict_resume_refuses_drift_before_anything_new_is_done(journey: Journey) -> None:
    """The payment would be new, and comes after what is no longer asked for; nothing is paid, and the run can go on."""
    killed_when_all_is_booked(journey)
    effects = journey.effects
    journey.edit(STEPS, "for night in wish.nights))", "for night in wish.nights[:2]))")
    told = journey.go(strict=True)
    assert told["raised"] == "Unasked"
    assert "trip no longer asks for what is on record of it" in told["error"]
    assert "book" in told["error"]
    assert journey.effects == effects
    journey.edit(STEPS, "for night in wish.nights[:2]))", "for night in wish.nights))")
    assert journey.go(strict=True)["status"] == "done"


def test_a_strict_resume_is_not_fooled_by_code_that_catches_everything(journey: Journey) -> None:
    """A refusal isn't the code's to handle."""
    killed_when_all_is_booked(journey)
    effects = journey.effects
    journey.edit(STEPS, "for night in wish.nights))", "for night in wish.nights[:2]))")
    journey.edit(
        STEPS, "    paid = await pay(len(bookings))", "    try:\n        paid = await pay(2)\n    except Exception:\n        paid = 'no'"
    )
    told = journey.go(strict=True)
    assert told["raised"] == "Unasked"
    assert journey.effects == effects


def test_a_strict_resume_of_unchanged_code_passes(journey: Journey) -> None:
    """Branches in another order are no drift."""
    before = killed_when_all_is_booked(journey)
    told = journey.go(strict=True)
    assert (told["status"], told["drift"]) == ("done", {})
    assert booked(journey) == before


@pytest.mark.parametrize("before", [False, True])
def test_killed_at_each_commit_every_branch_finds_its_own_again(journey: Journey, *, before: bool) -> None:
    """Branches go on in an order of chance, two of them asking for the same; each keeps its uuid, its room and its booking.

    No life ends within the payment: what comes of that is certain, and has the next test.
    """
    told = None
    for dies_at in range(2, 40):
        told = journey.go(dies_at, before=before, spares="pay")
        if told is not None:
            break
    assert told is not None
    assert told["status"] == "done"
    numbers = [one["number"] for one in told["outputs"]["bookings"]]
    written = {line.split()[2]: line.split() for line in booked(journey)}
    assert len(set(numbers)) == 3
    assert set(written) == set(numbers)
    # One line a key: the room and its price too are those of the branch, in every life.
    assert len({tuple(line.split()) for line in booked(journey)}) == 3
    assert journey.effects.count("pay 3") == 1


@pytest.mark.parametrize(("kind", "paid"), [("call_started", 0), ("call_finished", 1)])
def test_killed_within_the_payment_nobody_pays_twice(journey: Journey, kind: str, paid: int) -> None:
    """Right after its intent is durable, and just before its result is: nobody knows which, and every resume says so."""
    assert journey.go(dies_with=kind, of="pay", before=kind == "call_finished") is None
    assert journey.effects.count("pay 3") == paid
    for _ in range(2):
        told = journey.go()
        assert told["status"] == "failed"
        assert "the write pay began and its result was never recorded" in told["error"]
    assert journey.effects.count("pay 3") == paid
