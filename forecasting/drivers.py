"""Cost as requests x tokens per request x price: drivers of a forecast, and of a change that has happened.

Intensities (tokens per request, dollars per million tokens) are taken from the last four weeks and moved by the planned
changes of their own driver; requests are what the forecast cost then needs. So a forecast says what it believes in:
"the same prompts at the lower price, and a tenth more requests".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import permutations

import numpy as np

from forecasting.series import FloatArray

INTENSITY_DAYS = 28

_TOKENS_PER_REQUEST_STEP = Decimal("0.000001")
_PRICE_STEP = Decimal("0.000000001")
_REQUESTS_STEP = Decimal("0.000000000000001")
_MONEY_STEP = Decimal("0.000000001")
_DIGITS = 60
_MILLION = 1_000_000
_LARGEST_WEIGHT = 3.0


@dataclass(frozen=True)
class Intensities:
    """What one request of a series takes, and what a token costs.

    Attributes:
        tokens_per_request: > 0.
        usd_per_mtok: Dollars per million tokens, > 0.
    """

    tokens_per_request: float
    usd_per_mtok: float


@dataclass(frozen=True)
class MonthDrivers:
    """One month of a forecast: a row of ``forecast_drivers`` without its identity.

    ``forecast_requests * tokens_per_request * usd_per_mtok / 1,000,000``, rounded to a billionth of a dollar, is
    ``forecast_cost_usd``, exactly. Tokens per request are rounded to six decimals and the price to nine before requests
    are derived from them; requests keep fifteen. All three are null where the series has no metered tokens.
    """

    period_start_date: date
    forecast_requests: Decimal | None
    tokens_per_request: Decimal | None
    usd_per_mtok: Decimal | None
    forecast_cost_usd: Decimal


def recent_intensities(costs: FloatArray, requests: FloatArray, tokens: FloatArray) -> Intensities | None:
    """Usual tokens per request and price of the last ``INTENSITY_DAYS`` days, or None without metered tokens.

    Medians over days, weighed by requests and by tokens (of a day at most three times those of the usual day): one day
    with a wild prompt or a wrong price moves neither.

    Args:
        costs, requests, tokens: ``[days]`` of the same days up to the cutoff, of the same rows: cost that has no tokens
            (seats, searches) makes the price of a token look higher, as it is in the bill.
    """
    costs, requests, tokens = (values[-INTENSITY_DAYS:] for values in (costs, requests, tokens))
    is_metered = (requests > 0) & (tokens > 0) & (costs > 0)
    if not is_metered.any():
        return None
    costs, requests, tokens = costs[is_metered], requests[is_metered], tokens[is_metered]
    return Intensities(
        _weighted_median(tokens / requests, requests), _weighted_median(costs / tokens, tokens) * _MILLION
    )


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(np.minimum(weights, _LARGEST_WEIGHT * np.median(weights))[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


def forecast_drivers(
    daily: Sequence[Decimal],
    first_day: date,
    intensities: Intensities | None,
    driver_factors: Mapping[str, FloatArray] | None = None,
) -> list[MonthDrivers]:
    """Drivers of each calendar month of a forecast, the first and the last as far as the forecast reaches.

    Args:
        daily: Forecast cost of each day as stored, dollars >= 0, planned changes included.
        driver_factors: ``LaidChanges.driver_factors`` of the series, ``[days]`` each; what they do to a month is their
            mean over its days, weighed by cost.
    """
    by_month: dict[date, list[int]] = {}
    for offset in range(len(daily)):
        by_month.setdefault((first_day + timedelta(days=offset)).replace(day=1), []).append(offset)
    rows = []
    for month, offsets in by_month.items():
        cost = sum((daily[offset] for offset in offsets), Decimal(0))
        if intensities is None:
            rows.append(MonthDrivers(month, None, None, None, cost))
            continue
        weights = np.array([float(daily[offset]) for offset in offsets])
        tokens_factor, price_factor = (
            _mean_factor((driver_factors or {}).get(driver), offsets, weights)
            for driver in ("tokens_per_request", "price")
        )
        rows.append(
            _month(
                month,
                cost,
                Intensities(intensities.tokens_per_request * tokens_factor, intensities.usd_per_mtok * price_factor),
            )
        )
    return rows


def _mean_factor(factors: FloatArray | None, offsets: Sequence[int], weights: FloatArray) -> float:
    if factors is None:
        return 1.0
    return float(np.average(factors[offsets], weights=weights if weights.sum() > 0 else None))


def _month(month: date, cost: Decimal, intensities: Intensities) -> MonthDrivers:
    with localcontext() as context:
        context.prec = _DIGITS
        tokens = Decimal(repr(intensities.tokens_per_request)).quantize(_TOKENS_PER_REQUEST_STEP)
        price = Decimal(repr(intensities.usd_per_mtok)).quantize(_PRICE_STEP)
        if tokens <= 0 or price <= 0:
            return MonthDrivers(month, None, None, None, cost)
        requests = (cost * _MILLION / (tokens * price)).quantize(_REQUESTS_STEP)
    return MonthDrivers(month, requests, tokens, price, cost)


# ---------------------------------------------------------------- attribution


@dataclass(frozen=True)
class WindowTotals:
    """A series over one window of days."""

    cost_usd: Decimal
    requests: int
    tokens: int


@dataclass(frozen=True)
class DriverChange:
    """Part of a change of cost that one driver explains: ``volume``, ``tokens_per_request``, ``price`` or ``other``."""

    driver: str
    change_usd: Decimal


def top_drivers(before: WindowTotals, after: WindowTotals) -> list[DriverChange]:
    """Why cost changed between two equally long windows, largest part first; the parts add up to the change exactly.

    Shapley values of cost = requests x tokens per request x price: each driver's part is what its move changes,
    averaged over all orders in which the three could have moved. There are no logarithms in it, so a window without
    requests is no special case: all of the change is volume then. Cost in a window without requests or tokens has no
    such drivers; its change is ``other``.

    Parts are rounded to a billionth of a dollar; what rounding leaves goes to the largest one.
    """
    metered = [_is_metered(window) for window in (before, after)]
    factors = [
        _factors(window) if is_metered else None for window, is_metered in zip((before, after), metered, strict=True)
    ]
    known = next((one for one in reversed(factors) if one is not None), None)
    if known is None:
        return [DriverChange("other", after.cost_usd - before.cost_usd)]
    # A window without requests has no tokens per request and no price of its own: those of the other window stand in.
    start, end = (one if one is not None else (Fraction(0), *known[1:]) for one in factors)
    parts = dict(zip(("volume", "tokens_per_request", "price"), _shapley(start, end), strict=True))
    unmetered = [window.cost_usd for window, is_metered in zip((before, after), metered, strict=True) if not is_metered]
    if unmetered and unmetered[0] != 0:
        parts["other"] = Fraction(unmetered[0]) * (1 if not metered[1] else -1)
    return _rounded(parts, after.cost_usd - before.cost_usd)


def _is_metered(window: WindowTotals) -> bool:
    return window.requests > 0 and window.tokens > 0


def _factors(window: WindowTotals) -> tuple[Fraction, Fraction, Fraction]:
    return (
        Fraction(window.requests),
        Fraction(window.tokens, window.requests),
        Fraction(window.cost_usd) / window.tokens,
    )


def _shapley(start: Sequence[Fraction], end: Sequence[Fraction]) -> list[Fraction]:
    parts = [Fraction(0)] * len(start)
    orders = list(permutations(range(len(start))))
    for order in orders:
        state = list(start)
        for driver in order:
            before = _product(state)
            state[driver] = end[driver]
            parts[driver] += (_product(state) - before) / len(orders)
    return parts


def _product(factors: Sequence[Fraction]) -> Fraction:
    product = Fraction(1)
    for factor in factors:
        product *= factor
    return product


def _rounded(parts: Mapping[str, Fraction], change: Decimal) -> list[DriverChange]:
    with localcontext() as context:
        context.prec = _DIGITS
        rounded = {
            driver: (Decimal(part.numerator) / Decimal(part.denominator)).quantize(_MONEY_STEP)
            for driver, part in parts.items()
        }
        largest = max(rounded, key=lambda driver: abs(rounded[driver]))
        rounded[largest] += change - sum(rounded.values(), Decimal(0))
    ordered = sorted(rounded.items(), key=lambda item: -abs(item[1]))
    return [DriverChange(driver, part) for driver, part in ordered]
