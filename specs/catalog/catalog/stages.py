"""The job's three stages: clean a product, find its category, make its vector."""

from __future__ import annotations

from . import measures, texts
from .categories import category
from .embedders import embedder
from .types import Indexed, Listing, Offer, Sorted


def normalise(product: Offer) -> Listing:
    """Return a product with clean texts and numbers; ValueError says why a product can't be sold as it is."""
    title = texts.calm(texts.clean(product.title))
    description = texts.clean(product.description)
    if not title and not description:
        raise ValueError("there is neither a title nor a description")
    price, currency = measures.price(product.price, product.currency)
    return Listing(
        product_id=product.product_id,
        title=title or description[:80],
        description=description,
        brand=texts.brand(product.brand),
        price=price,
        currency=currency,
        language=texts.language(f"{title} {description}"),
        shelf=texts.clean(product.shelf),
        size=(product.size or "").strip(),
        length_m=measures.length(product.size),
        volume_l=measures.volume(product.capacity),
        mass_kg=measures.mass(product.weight),
        voltage_v=measures.voltage(product.voltage),
        stock=product.stock,
    )


def classify(listing: Listing) -> Sorted:
    """Return a listing with its category."""
    path, confidence = category(listing.title, listing.description, listing.shelf)
    return Sorted(**listing.__dict__, category=path, confidence=confidence)


def wording(row: Sorted) -> str:
    """Return what is embedded: a title and a category say most, a description a little."""
    return f"{row.title}. {row.brand} {row.category.rpartition(' > ')[2]}. {row.description[:160]}"


class Embed:
    """Makes vectors with a model that is loaded once per worker."""

    def __init__(self, model: str = "static") -> None:
        """Load the model: ``static`` or ``minilm``."""
        self._model = embedder(model)

    def __call__(self, rows: list[Sorted]) -> list[Indexed]:
        """Return the rows as the index holds them."""
        vectors = self._model.embed([wording(row) for row in rows])
        return [
            Indexed(
                row.product_id, row.title, row.brand, row.category, row.confidence, row.price, row.currency, row.language, row.stock, vector
            )
            for row, vector in zip(rows, vectors, strict=True)
        ]  # fmt: skip
