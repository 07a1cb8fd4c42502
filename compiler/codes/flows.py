"""E6xx: flows that can't run as they are connected."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E601": Code(
        "steps that wait for each other",
        "A step runs when everything that it reads is there. Steps that read each other would wait for ever; what goes round until it "
        "is good enough is a loop, with max_rounds.",
        "steps:\n  write: {use: writer, with: {notes: $review}}\n  review: {use: reviewer, with: {text: $write}}",
    ),
    "E602": Code(
        "a condition on what has no known values",
        "`when` tests a Literal, an Enum or a bool, so that the compiler can see every case. Decisions are Python.",
        "when: {plan.query: shoes}      # write a function that returns Literal[…]",
    ),
    "E603": Code(
        "a value that never comes",
        "The condition can't ever be true: the value is not among those of the type.",
        "when: {kind: reserach}      # research",
    ),
    "E604": Code(
        "a value that leads nowhere",
        "Once a Literal or an Enum is tested, each of its values appears in some `when` of that scope. Otherwise a run could end "
        "without having done anything.",
        "when: {kind: research}      # and no step for clarify",
    ),
    "E605": Code(
        "an output that may not be there",
        "A step with `when`, or that reads one, may be skipped. An output is unskippable, or says what stands in for it.",
        "outputs: $research      # {first: [$rank, $clarify]}",
    ),
    "E606": Code(
        "a map over what is no list",
        "map does a step once for each item of a list.",
        "map: {over: $plan}      # $plan.tasks",
    ),
    "E607": Code(
        "a loop's next that doesn't end",
        "`next` decides after each round: it returns Continue[S] | Stop[S] | Bail, where S is the type of the loop's state.",
        "def enough(state: State) -> Continue[State] | Stop[State] | Bail: ...",
    ),
    "E608": Code(
        "a loop's state of different types",
        "Each round begins with $state: the first round with `state`, the others with what Continue hands on. They have one type.",
        "loop: {state: $inputs, …}      # next returns Continue[Draft]",
    ),
}
