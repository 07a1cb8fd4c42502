"""How merchants type prices and measures: no two feeds agree."""

from __future__ import annotations

_LITRE = ("litre", "Liter", "litre", "litro", "l", "リットル")
_INCH = ("inch", "Zoll", "pouces", "pulgadas", "cali", "インチ")
_COMMA = (False, True, True, True, True, False)
CURRENCIES = ("GBP", "EUR", "EUR", "EUR", "PLN", "JPY")
_SIGNS = {"GBP": "£", "EUR": "€", "PLN": "zł", "JPY": "¥"}
_RATES = {"GBP": 0.86, "EUR": 1.0, "PLN": 4.3, "JPY": 162.0}


def number(value: float, language: int) -> str:
    """Return a number as people of that language write it."""
    text = f"{value:g}"
    return text.replace(".", ",") if _COMMA[language] else text


def size(how: str, value: str, language: int, habit: int) -> str:
    """Return a size: a shoe's or a garment's as it is, a length in somebody's favourite unit."""
    if how == "EU":
        return f"EU {value}" if habit % 3 else value
    if how == "plain":
        return value
    if how == "inch":
        digits = value.replace(".", ",") if _COMMA[language] else value
        return (f"{digits} {_INCH[language]}", f'{digits}"', f"{digits} inch", f"{digits}in")[(0, 0, 0, 1, 2, 3)[habit % 6]]
    centimetres = float(value)
    return (
        f"{value} cm", f"{value}cm", f"{value} cm", f"{number(centimetres / 100, language)} m", f"{value}0 mm",
        f"{number(round(centimetres / 2.54, 1), language)} inch",
    )[habit % 6]  # fmt: skip


def capacity(litres: float, language: int, habit: int) -> str:
    """Return a volume: litres, millilitres, now and then fluid ounces."""
    written = number(litres, language)
    if litres < 0.3:
        return (f"{litres * 1000:g} ml", f"{litres * 1000:g}ml", f"{number(litres * 100, language)} cl")[habit % 3]
    return (
        f"{written} {_LITRE[language]}", f"{written} l", f"{written}L", f"{litres * 1000:g} ml", f"{written} {_LITRE[language]}",
        f"{round(litres / 0.0295735, 1):g} fl oz",
    )[habit % 6]  # fmt: skip


def weight(kilograms: float, language: int, habit: int) -> str:
    """Return a mass: kilograms, grams, now and then ounces or pounds."""
    return (
        f"{number(kilograms, language)} kg", f"{number(kilograms, language)}kg", f"{kilograms * 1000:g} g", f"{kilograms * 1000:g}g",
        f"{round(kilograms / 0.0283495, 1):g}oz", f"{round(kilograms / 0.453592, 2):g} lb",
    )[habit % 6]  # fmt: skip


def voltage(volts: int, habit: int) -> str:
    """Return a voltage."""
    return (f"{volts}V", f"{volts} V", f"{volts}V", f"{volts} Volt")[habit % 4]


def price(euros: float, language: int, habit: int) -> tuple[str, str | None]:
    """Return a price in the market's money, and the currency's column, which some merchants leave to the price."""
    currency = CURRENCIES[language]
    amount = euros * _RATES[currency]
    amount = float(round(amount)) if currency == "JPY" else round(amount, 2)
    digits = f"{amount:,.0f}" if currency == "JPY" else f"{amount:,.2f}"
    if _COMMA[language]:
        digits = digits.translate(str.maketrans(",.", ".,"))
    sign = _SIGNS[currency]
    if habit % 8 < 4:
        return f"{amount:g}" if currency == "JPY" else f"{amount:.2f}", currency
    if habit % 8 == 4:
        return f"{sign}{digits}" if language in {0, 5} else f"{digits} {sign}", None
    if habit % 8 == 5:
        return f"{currency} {digits}", None
    return digits, currency
