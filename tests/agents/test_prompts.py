"""Prompts are strict and see nothing but their input."""

from __future__ import annotations

import pytest

from darner.runtime.failures import CallableError, Refused
from darner.runtime.perform.agents.prompts import render

from .shop import Order, Product, Question


def test_a_prompt_sees_the_fields_of_its_input() -> None:
    """Fields of pydantic models and dataclasses are variables of their own names."""
    assert render("a", "Weather in {{ city }}?\n", Question(city="Paris")) == "Weather in Paris?"
    assert render("a", "{{ number }} {{ product.title }}", Order(7, {"items": []}, Product(id="1", title="mug"))) == "7 mug"


def test_an_input_without_fields_is_called_input() -> None:
    """A text or a list has no names of its own."""
    assert render("a", "Say {{ input }}", "hello") == "Say hello"
    assert render("a", "{% for x in input %}{{ x }};{% endfor %}", [1, 2]) == "1;2;"


def test_a_key_is_read_before_a_method_of_the_same_name() -> None:
    """`order.items` means the data, not Python's dict.items."""
    assert render("a", "{{ line.items | length }}", Order(1, {"items": ["mug", "pot"]})) == "2"


def test_records_and_lists_are_shown_as_json() -> None:
    """A model is never shown a Python repr."""
    assert render("a", "{{ product }}", Order(1, {"items": []}, Product(id="1", title="Täßchen"))) == '{"id": "1", "title": "Täßchen"}'
    assert render("a", "{{ line }}", Order(1, {"items": ["mug"]})) == '{"items": ["mug"]}'


@pytest.mark.parametrize("text", ["{{ town }}", "{{ city.zip }}", "{% if town %}x{% endif %}"])
def test_an_unknown_variable_is_an_error_and_not_an_empty_text(text: str) -> None:
    """Silence here would send a model a question with a hole in it."""
    with pytest.raises(CallableError, match="prompt of assistant can't be rendered"):
        render("assistant", text, Question(city="Paris"))


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ city.__init__.__globals__ }}",
        "{{ input.append(1) }}",
        "{% include 'secrets.txt' %}",
        "{{ cycler.__init__.__globals__.os.environ }}",
    ],
)
def test_a_prompt_can_reach_nothing_else(text: str) -> None:
    """No attributes of Python, no changes, no files."""
    given = [1] if "input" in text else Question(city="Paris")
    with pytest.raises(CallableError):
        render("a", text, given)


def test_a_broken_template_is_refused() -> None:
    """Its syntax is known to be wrong before anything is rendered."""
    with pytest.raises(Refused, match="is no template"):
        render("a", "{{ city", Question(city="Paris"))
