"""Made-up units with known truth: heavy-tailed cost, several requests, at most one success, units that differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimization.moments import FloatArray, Moments


@dataclass(frozen=True)
class Population:
    """What units are drawn from.

    Attributes:
        success_rate: Of a unit with the usual number of requests; units with more succeed more often.
        requests: Mean number of requests of a unit, 1 + Poisson.
        cost_sigma: Of the log-normal cost of a request.
        unit_sigma: Of a log-normal factor that all requests of a unit share: its cluster effect.
        lean: How much more often units with twice the usual number of requests succeed.
    """

    success_rate: float = 0.3
    requests: float = 3.0
    cost_sigma: float = 1.0
    unit_sigma: float = 0.7
    lean: float = 0.3

    @property
    def cost_per_request(self) -> float:
        return float(np.exp((self.cost_sigma**2 + self.unit_sigma**2) / 2))

    @property
    def cost_per_success(self) -> float:
        return self.cost_per_request * self.requests / self.success_rate

    def draw(self, generator: np.random.Generator, *shape: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Cost, requests and successes (0 or 1) of units in an array of this shape."""
        requests = 1 + generator.poisson(self.requests - 1, shape)
        sizes = requests.ravel()
        costs = np.exp(self.cost_sigma * generator.standard_normal(sizes.sum(), dtype=np.float32))
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        cost = np.add.reduceat(costs, starts).reshape(shape) * np.exp(
            self.unit_sigma * generator.standard_normal(shape)
        )
        chance = self.success_rate * (1 + self.lean * (requests - self.requests) / self.requests)
        success = generator.random(shape) < np.clip(chance, 0, 1)
        return cost, requests.astype(np.float64), success.astype(np.float64)


def cost_per_success(drawn: tuple[FloatArray, FloatArray, FloatArray]) -> Moments:
    cost, _, success = drawn
    return Moments.from_units(cost, success)


def cost_per_request(drawn: tuple[FloatArray, FloatArray, FloatArray]) -> Moments:
    cost, requests, _ = drawn
    return Moments.from_units(cost, requests)


def success_rate(drawn: tuple[FloatArray, FloatArray, FloatArray]) -> Moments:
    _, _, success = drawn
    return Moments.from_units(success, np.ones_like(success))


def coverage(bounds: tuple[FloatArray, FloatArray], truth: float) -> float:
    """Share of the intervals that hold the truth."""
    lower, upper = bounds
    assert not np.isnan(lower).any()
    return float(np.mean((lower <= truth) & (truth <= upper)))
