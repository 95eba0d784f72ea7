"""Forecasts of teams that add up to the forecast of the total."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from forecasting.series import FloatArray

_NOTHING = 1e-9
"""Dollars a day that round to nothing."""


def reconcile(total: FloatArray, parts: Mapping[str, FloatArray]) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Total and parts moved to agree on every day, by as little as their reliability allows.

    This is minimum-trace reconciliation of a two-level hierarchy with a diagonal error covariance whose entries are in
    proportion to the level of each forecast. It then has a closed form: the total becomes the mean of itself and of the
    sum of its parts, and every part is scaled alike, so that nothing turns negative. Where all parts are zero, so is
    the total: there is nobody to owe it.
    """
    if not parts:
        return total, {}
    bottom_up = np.sum(list(parts.values()), axis=0)
    spent = bottom_up > _NOTHING
    agreed = np.where(spent, (total + bottom_up) / 2, 0.0)
    factor = np.divide(agreed, bottom_up, out=np.zeros_like(agreed), where=spent)
    return agreed, {name: part * factor for name, part in parts.items()}
