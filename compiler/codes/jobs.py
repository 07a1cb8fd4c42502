"""E7xx: jobs whose rows don't get from the source to the sink."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E702": Code(
        "a dataset without that field",
        "The key of a dataset, and the field that marks deleted rows, are fields of its type.",
        "datasets:\n  feed: {use: files, type: shop.types:Product, key: id}      # product_id",
    ),
    "E703": Code(
        "rows that don't fit",
        "A stage takes what the one before it gives, and the sink what the last one gives. Records are compared field by field.",
        "stages:\n  - {name: embed, use: shop.batch:Embedder}      # takes Enriched, and gets Product",
    ),
    "E704": Code(
        "a stage of no known shape",
        "The shape of a stage comes from its annotation: T -> U, T -> U | None (filter), T -> list[U] (explode), "
        "list[T] -> list[U] (batch), RecordBatch -> RecordBatch. T and U are records.",
        "def length(product: Product) -> int: ...      # return a row",
    ),
    "E705": Code(
        "a setting that means nothing here",
        "batch is for stages that take lists or RecordBatches, concurrency for agents and async functions, with for callables.",
        "stages:\n  - {name: clean, use: shop.batch:clean, batch: 512}      # clean takes one row",
    ),
    "E706": Code(
        "a job that can reach a person",
        "A job runs for hours over many rows and never waits for a person. Failed rows go to the dead letter instead.",
        "tools:\n  reserve: {…, approval: desk}      # used by an agent that is a stage",
    ),
    "E707": Code(
        "a dataset that is read and written",
        "A job that writes what it reads has no meaning that survives a crash.",
        "job: {source: products, …, sink: {to: products}}",
    ),
    "E708": Code(
        "an unknown connector",
        "A dataset is reached through a connector that darner knows by name, or through a callable.",
        "datasets:\n  feed: {use: file, …}      # files",
    ),
}
