"""What plain scalars mean in YAML 1.2."""

from __future__ import annotations

import pytest

from darner.compiler.text.scalars import NotCarried, resolve
from darner.compiler.text.syntax import Scalar


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "off",
        "yes",
        "no",
        "y",
        "n",
        "On",
        "1_000",
        "12:30:45",
        "1:20",
        "2026-11-22",
        "0b101",
        "0o8",
        "0xg",
        "+",
        ".",
        "1e",
        "e3",
        "tRUE",
        "<<",
        "=",
    ],
)
def test_what_yaml_1_1_read_as_something_else_is_text(text: str) -> None:
    """Switches, underscored numbers, sexagesimals, dates and binaries are plain text."""
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16", 16), ("016", 16), ("-0", 0), ("+7", 7), ("0o17", 15), ("0xFf", 255), ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)), ("0" * 50 + "1", 1), ("1.5", 1.5), (".5", 0.5), ("3.", 3.0), ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        ("true", True), ("True", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("Null", None),
    ],
)  # fmt: skip
def test_the_core_schema_is_read(text: str, value: Scalar) -> None:
    """Whole numbers (a leading zero means nothing), octal and hexadecimal, floats, booleans and null, as YAML 1.2 has them."""
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", [".inf", "-.Inf", ".nan", "9223372036854775808", "-9223372036854775809", "9" * 5000, "0x" + "f" * 17, "1e999"]
)
def test_numbers_that_no_plan_can_carry_are_refused(text: str) -> None:
    """Infinities, NaN and numbers of more than 64 bits are refused instead of being rounded or breaking something later."""
    with pytest.raises(NotCarried):
        resolve(text)
