"""What the three stages do to one row."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

stages: Any = importlib.import_module("catalog.stages")
types: Any = importlib.import_module("catalog.types")
measures: Any = importlib.import_module("catalog.measures")
texts: Any = importlib.import_module("catalog.texts")
tree: Any = importlib.import_module("catalog.tree")
categories: Any = importlib.import_module("catalog.categories")

OFFER: dict[str, Any] = {
    "product_id": "P1",
    "title": "Nordvik Trail waterproof Hiking boots for women EU 39",
    "description": "<p>Made of leather &amp; suede.</p>",
    "brand": " NORDVIK®  GmbH",
    "price": "1.299,00 €",
    "currency": None,
    "shelf": None,
    "size": "EU 39",
    "capacity": "1,5 l",
    "weight": "5oz",
    "voltage": "18 Volt",
    "stock": 3,
}


def normalised(**changed: Any) -> Any:
    return stages.normalise(types.Offer(**OFFER | changed))


def test_a_product_is_cleaned_and_measured() -> None:
    """Markup goes, the brand is one brand, price and measures become numbers."""
    listing = normalised()
    assert listing.description == "Made of leather & suede."
    assert listing.brand == "Nordvik"
    assert (listing.price, listing.currency) == (1299.0, "EUR")
    assert (listing.length_m, listing.volume_l, listing.mass_kg, listing.voltage_v) == (None, 1.5, 0.14175, 18.0)


@pytest.mark.parametrize(
    ("typed", "currency", "expected"),
    [
        ("49.90", "GBP", (49.9, "GBP")),
        ("49,90", "EUR", (49.9, "EUR")),
        ("1.299,00 €", None, (1299.0, "EUR")),
        ("£1,299.50", None, (1299.5, "GBP")),
        ("1 299,00 zł", None, (1299.0, "PLN")),
        ("¥12,769", None, (12769.0, "JPY")),
        ("JPY 9,460", None, (9460.0, "JPY")),
        ("1.234.567", "EUR", (1234567.0, "EUR")),
        ("12", "eur", (12.0, "EUR")),
    ],
)
def test_prices_are_understood(typed: str, currency: str | None, expected: tuple[float, str]) -> None:
    """Points, commas, signs and codes, as six markets write them."""
    assert measures.price(typed, currency) == expected


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"price": "-12.99", "currency": "EUR"}, "not above zero"),
        ({"price": "0", "currency": "EUR"}, "not above zero"),
        ({"price": "call for price"}, "no amount"),
        ({"price": None}, "no price"),
        ({"price": "12.50", "currency": None}, "no currency"),
        ({"size": "12 parsec"}, "no unit that is known"),
        ({"weight": "-3 kg"}, "not above zero"),
        ({"capacity": "0 l"}, "not above zero"),
        ({"title": " ", "description": "<br/>&nbsp;"}, "neither a title nor a description"),
    ],
)
def test_what_can_not_be_sold_is_refused_with_a_reason(changed: dict[str, Any], why: str) -> None:
    """A ValueError names the field's value; nothing is guessed."""
    with pytest.raises(ValueError, match=why):
        normalised(**changed)


@pytest.mark.parametrize(
    ("typed", "metres"),
    [("12 inch", 0.3048), ("30cm", 0.3), ("0,3 m", 0.3), ("300 mm", 0.3), ("16 Zoll", 0.4064), ("EU 42", None), ("XL", None), (None, None)],
)  # fmt: skip
def test_lengths_come_out_in_metres(typed: str | None, metres: float | None) -> None:
    """Whatever the unit; what is worn has no length."""
    assert measures.length(typed) == metres


def test_texts_lose_markup_pictures_and_odd_spaces() -> None:
    """NFKC, one space between words, no emoji."""
    assert texts.clean("  🔥 <b>\uff34ent</b>\u00a0 2&nbsp;m ★★★ ") == "Tent 2 m"
    assert texts.clean(None) == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Waterproof boots for women", "en"),
        ("Wasserdichte Stiefel für Damen", "de"),
        ("Chaussures de randonnée pour femme", "fr"),
        ("Botas de senderismo para mujer", "es"),
        ("Buty trekkingowe wodoodporne, skóra", "pl"),
        ("登山靴 防水", "ja"),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    """Letters and small words are enough for a shelf label."""
    assert texts.language(text) == language


@pytest.mark.parametrize(
    ("title", "leaf"),
    [
        ("Nordvik waterproof Hiking Boots for women EU 39", "Hiking boots"),
        ("Akkuschrauber 18V im Koffer", "Cordless drills"),
        ("stainless steel Water Bottle 1 litre", "Water bottles"),
        ("Kinderfahrrad 16 Zoll", "Kids' bikes"),
        ("Chaussures de randonnée Nordvik", "Hiking boots"),
        ("登山靴 防水 EU 42", "Hiking boots"),
    ],
)
def test_products_find_their_category_in_any_language(title: str, leaf: str) -> None:
    """The words of a category's name decide."""
    path, confidence = categories.category(title, "", "")
    assert path.endswith(f"> {leaf}")
    assert confidence > 0.3


def test_what_nobody_knows_is_unsorted_without_confidence() -> None:
    """A guess would be worse than none."""
    assert categories.category("Xyzzy plugh", "", "") == ("Unsorted", 0.0)


def test_nearly_every_leaf_finds_itself() -> None:
    """The tree's own names are its first test."""
    lost = [leaf.path for leaf in tree.LEAVES if categories.category(leaf.nouns["en"], "", leaf.path.split(" > ")[1])[0] != leaf.path]
    assert len(tree.LEAVES) > 350
    assert len(lost) <= 5, lost  # "Slipper" is German for a loafer


def test_a_row_keeps_its_fields_on_its_way_to_the_index() -> None:
    """The price that was parsed is the price that is indexed."""
    listing = normalised()
    row = stages.classify(listing)
    assert row.category.endswith("Hiking boots")
    [indexed] = stages.Embed()([row])
    assert (indexed.product_id, indexed.price, indexed.currency, indexed.stock) == ("P1", 1299.0, "EUR", 3)
    assert len(indexed.vector) == 256
