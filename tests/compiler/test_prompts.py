"""What a template names, found without rendering."""

from __future__ import annotations

import pytest

from darner.compiler.meaning.prompts import read_prompt
from darner.compiler.types import AnyType, DictType, FieldType, ListType, Record, RecordType, ScalarType, Type

STR = ScalarType(name="str")
ITEM = Record(ref="m:Item", style="pydantic", fields=(FieldType(name="price", type=STR), FieldType(name="name", type=STR)))
RECORDS = {ITEM.ref: ITEM}
VARIABLES: dict[str, Type] = {
    "title": STR,
    "items": ListType(item=RecordType(ref="m:Item")),
    "best": RecordType(ref="m:Item"),
    "prices": DictType(value=STR),
    "anything": AnyType(),
}


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("no variables", ()),
        ("{{ title }}{{ title }} {{ best.price }}", ("best", "title")),
        ("{% for one in items if one.price %}{{ loop.index }} {{ one.name }}{% else %}{{ title }}{% endfor %}", ("items", "title")),
        ("{% set x = items[0] %}{{ x.price }}", ("items",)),
        ("{% set x %}{{ title }}{% endset %}{{ x }}", ("title",)),
        ("{% with x = best %}{{ x.name }}{% endwith %}", ("best",)),
        ("{% macro show(x) %}{{ x.whatever }}{% endmacro %}{{ show(best) }}", ("best",)),
        ("{% for key, value in prices.items() %}{{ key }}{{ value.x }}{% endfor %}", ("prices",)),
        ("{{ items | map(attribute='price') | join(', ') }}", ("items",)),
        ("{% for one in items | sort(attribute='price') %}{{ one.name }}{% endfor %}", ("items",)),
        ("{% if title is defined and not anything.x.y[3] %}{% endif %}", ("anything", "title")),
        ("{{ range(3) | list }}", ()),
        ("{{ best['price'] }}{{ prices['x'] }}{{ items.0.name }}", ("best", "items", "prices")),
        ("{# {{ nothing }} #}{% raw %}{{ nothing }}{% endraw %}", ()),
        ("{{ title.upper() }}{{ '%s' % title }}", ("title",)),
    ],
)
def test_a_sound_template_names_its_variables(text: str, variables: tuple[str, ...]) -> None:
    """Names that it binds itself are not among them."""
    reading = read_prompt(text, VARIABLES, RECORDS)
    assert (reading.variables, reading.flaws) == (variables, ())


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("a {{ titel }}", "E803", "titel"),
        ("{{ title }} {{ best.prise }}", "E804", "prise"),
        ("{{ best['prise'] }}", "E804", "prise"),
        ("{% for one in items %}\n  {{ one.nam }}{% endfor %}", "E804", "nam"),
        ("{{ items.price }}", "E804", "price"),
        ("{{ title.shout() }}", "E804", "shout"),
        ("{{ title | shout }}", "E805", "shout"),
        ("{% for one in items %}{% endfor %}{{ one }}", "E803", "one"),
        ("{% if x %}{% endif %}", "E803", "x"),
        ("{{ title", "E802", "{{ title"),
        ("one\n  {% endfor %}", "E802", "{% endfor %}"),
        ("{{ 1 + }}", "E802", "{{ 1 + }}"),
    ],
)
def test_a_flaw_is_shown_where_it_is(text: str, code: str, at: str) -> None:
    """Jinja itself gives a line and no column."""
    (flaw,) = read_prompt(text, VARIABLES, RECORDS).flaws
    assert flaw.code == code
    assert at in text[flaw.start : flaw.end]


def test_without_a_known_input_only_the_template_itself_is_looked_at() -> None:
    """The variables of a human's ask are what it names."""
    reading = read_prompt("{{ who }} {{ what.ever }}", None, RECORDS)
    assert (reading.variables, reading.flaws) == (("what", "who"), ())
