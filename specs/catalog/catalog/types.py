"""What a row is on its way: as the feed has it, cleaned, sorted into a category, and with its vector."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from darner import Vector


class Row(BaseModel):
    """Rows never change; a stage makes a new one."""

    model_config = ConfigDict(frozen=True)


class Offer(Row):
    """What the job reads of a product: prices and measures are whatever somebody typed."""

    product_id: str
    title: str | None
    description: str | None
    brand: str | None
    price: str | None
    currency: str | None
    shelf: str | None
    size: str | None
    capacity: str | None
    weight: str | None
    voltage: str | None
    stock: int


class Product(Offer):
    """A product as a merchant's feed has it. Nothing reads these fields, so that a visit or another colour redoes no work."""

    colour: str | None
    material: str | None
    views: int


class Listing(Row):
    """A product with clean texts, a price in minor-unit precision, and measures in m, l, kg and V."""

    product_id: str
    title: str
    description: str
    brand: str
    price: float
    currency: str
    language: str
    shelf: str
    size: str
    length_m: float | None
    volume_l: float | None
    mass_kg: float | None
    voltage_v: float | None
    stock: int


class Sorted(Listing):
    """A listing with its place in the category tree; ``confidence`` is from 0 (no idea) to 1."""

    category: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index holds: what a search shows, and the vector by which it is found (a NumPy array will do)."""

    product_id: str
    title: str
    brand: str
    category: str
    confidence: float
    price: float
    currency: str
    language: str
    stock: int
    vector: Vector
