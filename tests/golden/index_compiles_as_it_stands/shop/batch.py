"""The stages of the catalogue."""

from .types import Embedded, Enriched, Product


def normalise(product: Product) -> Product | None:
    return product if product.title else None


class Embedder:
    """A model that is loaded once."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def __call__(self, products: list[Enriched]) -> list[Embedded]:
        return [Embedded(**one.model_dump(), vector=[0.0] * self.dim) for one in products]
