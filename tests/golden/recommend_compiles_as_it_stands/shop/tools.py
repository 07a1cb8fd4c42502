"""The tools of the shop."""

from typing import Any

from darner import Code

from .types import Product, Table


def search(index: Any, query: str, limit: int = 10) -> list[Product]:
    """Products that match a query."""
    return list(index.search(query, limit=limit))


def reviews(product_id: str) -> list[str]:
    """What customers say of a product."""
    return [product_id]


def run_python(code: Code) -> Table:
    """Run a program that combines tools."""
    return Table(rows=[[code]])


def reserve(product_id: str, idempotency_key: str) -> str:
    """Put one item aside."""
    return f"{product_id} {idempotency_key}"
