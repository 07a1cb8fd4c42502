"""Values for parameters."""

from __future__ import annotations

import pytest

from darner.compiler.binding.params import ParamError, bind_params
from darner.compiler.spec import Param

DECLARED = {
    "word": Param(type="str"),
    "count": Param(type="int", default=3),
    "share": Param(type="float", default=0.5, choices=(0.5, 1.0)),
    "fresh": Param(type="bool", default=False),
}


def test_texts_become_what_the_spec_declares() -> None:
    """In the order of the declaration."""
    bound = bind_params(DECLARED, {"fresh": "True", "word": "007", "share": "1", "count": "-4"})
    assert bound == {"word": "007", "count": -4, "share": 1.0, "fresh": True}
    assert list(bound) == list(DECLARED)


def test_defaults_fill_what_is_not_given() -> None:
    """False and 0 are defaults like any other."""
    assert bind_params(DECLARED, {"word": ""}) == {"word": "", "count": 3, "share": 0.5, "fresh": False}
    assert bind_params(DECLARED, {}, complete=False) == {"count": 3, "share": 0.5, "fresh": False}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the parameter word has no value"),
        ({"word": "x", "cuont": "1"}, "there is no parameter cuont"),
        ({"word": "x", "count": "3.5"}, "count=3.5 is no int"),
        ({"word": "x", "count": ""}, "count= is no int"),
        ({"word": "x", "share": "nan"}, "share=nan is not among its choices"),
        ({"word": "x", "fresh": "yes"}, "fresh=yes is no bool"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, str], message: str) -> None:
    """With what would fit."""
    with pytest.raises(ParamError) as caught:
        bind_params(DECLARED, given)
    assert caught.value.message == message
    assert caught.value.help
