"""True savings of changes that the sandbox company made, from its own requests and prices: what checks are graded on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np

from sandbox import company, prices
from sandbox.world import World


def true_prompt_saving(world: World, feature: str, done: date, last: date, *, version: str, before: str) -> float:
    """What the requests since a prompt revision would have cost more with the revision before it, in dollars.

    The revision shortens input and shifts what can be cached. The draw of a request is turned back: its whole input is
    divided by the factor, and its cached part, read or written, has the share that the older revision gave it.
    """
    plan = next(each for each in company.FEATURES if each.feature == feature)
    new, old = (next(each for each in plan.prompts if each.version == name) for name in (version, before))
    scale = old.input_factor / new.input_factor
    total = 0.0
    for row in _requests(world, feature, None, done, last):
        tokens = np.array([row[f"{kind}_tokens"] for kind in prices.TOKEN_TYPES], dtype=float)
        cached = tokens[1] + tokens[2] + tokens[3]
        uncached = tokens[0]
        whole = (uncached + cached) * scale
        # Of a hit on Anthropic a third of what is not cached is written: the cached share before that.
        share = _cached_share(tokens) * old.cache_factor / new.cache_factor
        share = min(share, 0.97)
        then = _like(tokens, whole, share)
        total += _cost(row, then) - _cost(row, tokens)
    return total


def _cached_share(tokens: np.ndarray) -> float:
    whole = tokens[:4].sum()
    if whole == 0:
        return 0.0
    read, written = tokens[1], tokens[2] + tokens[3]
    return float((read if read > 0 else written) / whole)


def _like(tokens: np.ndarray, whole: float, share: float) -> np.ndarray:
    """The same request with another length and cached share; a hit stays a hit."""
    then = tokens.copy()
    cached = whole * share
    write = 3 if tokens[3] > 0 else 2
    then[:4] = 0.0
    if tokens[1] > 0:
        then[1] = cached
        then[write] = (whole - cached) / 3 if tokens[2] + tokens[3] > 0 else 0.0
    elif tokens[2] + tokens[3] > 0:
        then[write] = cached
    then[0] = whole - then[1:4].sum()
    return then


def true_swap_saving(world: World, feature: str, old: str, new: str, done: date, last: date) -> float:
    """What the requests of the new model would have cost more on the old one, in dollars."""
    total = 0.0
    for row in _requests(world, feature, new, done, last):
        tokens = np.array([row[f"{kind}_tokens"] for kind in prices.TOKEN_TYPES], dtype=float)
        total += _cost(row, tokens, old) - _cost(row, tokens)
    return total


def _cost(row: dict[str, object], tokens: np.ndarray, model_name: str | None = None) -> float:
    provider, day = str(row["provider_name"]), row["usage_date"]
    assert isinstance(day, date)
    unit = _unit_prices(provider, model_name or str(row["model_name"]), str(row["service_tier"]), day)
    band = 1 if row["context_band"] == "long" else 0
    listed = sum(
        float(unit[kind][band]) * amount for kind, amount in zip(prices.TOKEN_TYPES, tokens, strict=True) if amount
    )
    return listed / 1e6 * float(row["paid_ratio"])  # type: ignore[arg-type]


_cache: dict[tuple[str, str, str, date], dict[str, tuple[Decimal, Decimal]]] = {}


def _unit_prices(provider: str, model: str, tier: str, day: date) -> dict[str, tuple[Decimal, Decimal]]:
    key = (provider, model, tier, prices.price_key_day(provider, model, day))
    if key not in _cache:
        _cache[key] = prices.unit_prices(provider, model, tier, day)
    return _cache[key]


def _requests(world: World, feature: str, model: str | None, done: date, last: date) -> list[dict[str, object]]:
    """Billed requests of a feature, with what was paid of their list price."""
    with duckdb.connect() as connection:
        cursor = connection.execute(
            f"""
            select *, billed_cost_usd::double / list_cost_usd::double as paid_ratio
            from read_parquet('{Path(world.truth) / "requests.parquet"}')
            where feature = ? and usage_date between ? and ? and list_cost_usd > 0 and (? is null or model_name = ?)
            """,
            [feature, done, last, model, model],
        )
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
