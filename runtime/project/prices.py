"""What well-known models cost, out of the price table that comes with pydantic-ai (genai-prices); nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from ...compiler.providers import is_provider
from ...compiler.quantities import format_money
from ...compiler.settings import Price, PriceAbove
from ...compiler.spec import Spec
from ...compiler.wires import references

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

_PLACES = 6
_KEYS = ("input", "output", "cache_read", "cache_write")


def unpriced(specs: Iterable[Spec]) -> frozenset[str]:
    """Return what models use, as ``provider:model``, that name neither a price nor an address of their own."""
    models = (model for spec in specs for model in spec.models.values())
    return frozenset(one.use for one in models if one.use is not None and _is_public(one.use, one.price, one.base_url))


def _is_public(use: str, price: Price | None, base_url: str | None) -> bool:
    return price is None and base_url is None and is_provider(use) and not list(references(use))


def known_prices(uses: Iterable[str], now: float) -> Mapping[str, Price]:
    """Return the prices of those models that the table knows; none where it isn't installed.

    Where a price depends on the time of day, the day's highest counts: a budget is never overshot for it.

    Args:
        uses: what models use, as ``provider:model``.
        now: seconds since 1970: prices change.
    """
    wanted = sorted(uses)
    if not wanted:
        return {}
    try:
        from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - takes a third of a second, and only specs without prices need it
    except ImportError:
        return {}
    snapshot = get_snapshot()

    def found(use: str) -> Price | None:
        provider, _, name = use.partition(":")
        try:
            return _price(snapshot.find_provider_model(name, None, provider, None)[1], now)
        except (LookupError, AttributeError, TypeError, ValueError):
            return None  # it isn't there; or the table is of another make, and then nothing is known

    known = {use: found(use) for use in wanted}
    return {use: price for use, price in known.items() if price is not None}


def _price(model: ModelInfo, now: float) -> Price | None:
    """Return a model's price for a million tokens; None where it has none for text in or out."""
    told = [model.get_prices(datetime.fromtimestamp(now, UTC) + timedelta(hours=hour)) for hour in range(24)]
    base = _highest(told, 0)
    if base["input"] is None or base["output"] is None:
        return None
    starts = [tier.start for one in told for key in _KEYS for tier in getattr(getattr(one, f"{key}_mtok"), "tiers", ())]
    above = PriceAbove.model_validate({"tokens": min(starts), **_highest(told, -1)}) if starts else None
    return Price.model_validate({**base, "above": above})


def _highest(prices: Iterable[ModelPrice], step: Literal[0, -1]) -> dict[str, str | None]:
    """Return the highest of each kind of price as text: for requests of ordinary length (0), or for the longest (-1)."""
    found = {key: [one for price in prices for one in _at(getattr(price, f"{key}_mtok"), step)] for key in _KEYS}
    # The table's numbers came out of floats, and some show it.
    return {key: format_money(round(max(amounts), _PLACES)) if amounts else None for key, amounts in found.items()}


def _at(price: Decimal | TieredPrices | None, step: Literal[0, -1]) -> Iterator[Decimal]:
    if price is not None:
        yield price if isinstance(price, Decimal) else [price.base, *(tier.price for tier in price.tiers)][step]
