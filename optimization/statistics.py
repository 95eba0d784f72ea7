"""The statistics of all topics in one place to import from: moments by unit, intervals, differences, looks in time.

A topic sums x, y, x², y² and xy by unit of randomization in SQL, makes ``Moments`` of them, and asks for an
``Estimate``. Docs: docs/experiments.md; why these methods: docs/adr/0020-looking-every-week.md.
"""

from __future__ import annotations

from optimization.intervals import (
    LEVEL,
    clustered_share_interval,
    count_mean_interval,
    mean_interval,
    positive_mean_interval,
    ratio_variance,
    wilson_interval,
)
from optimization.moments import Moments
from optimization.ratios import (
    MIN_UNITS,
    Estimate,
    cost_ratio_interval,
    difference,
    difference_interval,
    log_standard_error,
    quotient,
    quotient_interval,
    ratio_estimate,
    relative_difference,
    share_estimate,
)
from optimization.sequential import (
    ALPHA,
    POWER,
    SAMPLE_RATIO_ALPHA,
    SequentialTest,
    always_valid_test,
    detectable_effect,
    log_ratio_looks,
    probability_below_zero,
    remaining_ratio,
    sample_ratio_p_values,
)

__all__ = [
    "ALPHA",
    "LEVEL",
    "MIN_UNITS",
    "POWER",
    "SAMPLE_RATIO_ALPHA",
    "Estimate",
    "Moments",
    "SequentialTest",
    "always_valid_test",
    "clustered_share_interval",
    "cost_ratio_interval",
    "count_mean_interval",
    "detectable_effect",
    "difference",
    "difference_interval",
    "log_ratio_looks",
    "log_standard_error",
    "mean_interval",
    "positive_mean_interval",
    "probability_below_zero",
    "quotient",
    "quotient_interval",
    "ratio_estimate",
    "ratio_variance",
    "relative_difference",
    "remaining_ratio",
    "sample_ratio_p_values",
    "share_estimate",
    "wilson_interval",
]
