"""What is kept of many units to estimate a ratio: their number and five sums. SQL adds them up, Python reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Sufficient statistics of pairs (x, y), one pair a unit of randomization, for the ratio Σx ÷ Σy.

    All fields are arrays of one shape: an element is one group of units (an arm, a day, a simulated repetition).
    A unit is what was assigned or drawn as one: all requests of a session, not each of them, where sessions were.

    Attributes:
        units: Number of units, those with x = 0 or y = 0 included.
        x, y: Sums over the units: of the numerator (dollars, successes) and of the denominator (successes, requests).
        xx, yy, xy: Sums of the squares and of the products.
    """

    units: FloatArray
    x: FloatArray
    y: FloatArray
    xx: FloatArray
    yy: FloatArray
    xy: FloatArray

    @classmethod
    def of(cls, units: ArrayLike, x: ArrayLike, y: ArrayLike, xx: ArrayLike, yy: ArrayLike, xy: ArrayLike) -> Moments:
        """From the sums themselves: numbers, decimals or sequences of one length."""
        return cls(*(np.asarray(sums, dtype=np.float64) for sums in (units, x, y, xx, yy, xy)))

    @classmethod
    def from_units(cls, numerators: ArrayLike, denominators: ArrayLike) -> Moments:
        """From single units along the last axis."""
        x, y = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
        if x.shape != y.shape:
            raise ValueError(f"numerators have the shape {x.shape} and denominators {y.shape}: one pair is one unit")
        units = np.full(x.shape[:-1], x.shape[-1], dtype=np.float64)
        return cls(units, x.sum(-1), y.sum(-1), (x * x).sum(-1), (y * y).sum(-1), (x * y).sum(-1))

    def accumulated(self) -> Moments:
        """Running sums along the last axis: increments of days become the state at the end of each day."""
        return Moments(*(np.cumsum(sums, axis=-1) for sums in self._fields()))

    def at(self, index: Any) -> Moments:
        """The groups at an index."""
        return Moments(*(sums[index] for sums in self._fields()))

    def _fields(self) -> tuple[FloatArray, ...]:
        return self.units, self.x, self.y, self.xx, self.yy, self.xy

    # ---------------------------------------------------------------- what follows from the sums

    @property
    def mean_x(self) -> FloatArray:
        return divide(self.x, self.units)

    @property
    def mean_y(self) -> FloatArray:
        return divide(self.y, self.units)

    @property
    def variance_x(self) -> FloatArray:
        """Sample variance of x among units; never below zero, NaN for a single unit."""
        return self._spread(self.xx, self.x, self.x, floor=0.0)

    @property
    def variance_y(self) -> FloatArray:
        return self._spread(self.yy, self.y, self.y, floor=0.0)

    @property
    def covariance(self) -> FloatArray:
        return self._spread(self.xy, self.x, self.y, floor=-np.inf)

    @property
    def correlation(self) -> FloatArray:
        """Of x and y among units; 0 where either does not vary."""
        spread = np.sqrt(self.variance_x * self.variance_y)
        ratio = np.divide(self.covariance, spread, out=np.zeros_like(spread), where=spread > 0)
        return np.clip(ratio, -1.0, 1.0)

    def _spread(self, products: FloatArray, one: FloatArray, other: FloatArray, *, floor: float) -> FloatArray:
        centred = products - divide(one * other, self.units)
        # What is left of two nearly equal sums is rounding, not spread.
        centred = np.where(np.abs(centred) <= 1e-12 * np.abs(products), 0.0, centred)
        return divide(np.maximum(centred, floor), self.units - 1)


def divide(numerator: ArrayLike, denominator: ArrayLike) -> FloatArray:
    """Division that gives NaN, not a warning, where the denominator is not above zero."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    quotient: FloatArray = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    return quotient
