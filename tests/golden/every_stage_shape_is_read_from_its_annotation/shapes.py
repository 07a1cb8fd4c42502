"""One stage of each shape."""

import pyarrow as pa
from pydantic import BaseModel


class Product(BaseModel):
    product_id: str
    title: str
    price: float


class Titled(BaseModel):
    product_id: str
    title: str


class Part(BaseModel):
    part_id: str
    weight: float = 0.0


def arrow(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch


async def tidy(product: Product, suffix: str) -> Product:
    return product.model_copy(update={"title": product.title + suffix})


def known(product: Titled) -> Titled | None:
    return product if product.title else None


class Parts:
    """Built once per worker."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, product: Titled) -> list[Part]:
        return [Part(part_id=f"{product.product_id}-{number}") for number in range(self.most)]


def weigh(parts: list[Part]) -> list[Part]:
    return parts
