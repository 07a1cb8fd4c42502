"""What the spec beside this file names."""

from pydantic import BaseModel


class Product(BaseModel):
    product_id: str
    title: str
    description: str
    price: float


class Titled(BaseModel):
    product_id: str
    title: str


class Enriched(Product):
    category: str


def clean(product: Product) -> Product:
    return product


def label(product: Enriched) -> Enriched:
    return product


def length(product: Product) -> int:
    return len(product.title)
