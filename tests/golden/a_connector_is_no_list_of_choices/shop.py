"""What the spec beside this file names."""

from typing import Literal

from pydantic import BaseModel

Kind = Literal["parquet", "csv"]


class Item(BaseModel):
    sku: str


class Table:
    pass


def clean(item: Item) -> Item:
    return item
