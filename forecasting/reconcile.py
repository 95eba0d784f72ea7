"""Forecasts of teams, features and every other dimension that add up to the forecast of the organization.

Each level is forecast by itself, and each says something that the others do not: the total has the least noise, the
cells (team x feature) see what is new and what has ended. The agreed total of a day is the mean of the total's own
forecast and of the sums of teams, features and cells: with errors in proportion to the level of each forecast that is
what minimum-trace reconciliation with a diagonal covariance does for each pair of levels (ADR 18). Teams and features
are scaled to it, and the cells are raked to both (iterative proportional fitting), so that nothing turns negative and
what is zero stays zero. The other dimensions are scaled alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from forecasting.cost_mix import UNATTRIBUTED, Cell
from forecasting.series import FloatArray

_NOTHING = 1e-9
"""Dollars a day that round to nothing."""

_ROUNDS = 25


def reconcile(
    total: FloatArray,
    teams: Mapping[str, FloatArray],
    features: Mapping[str, FloatArray],
    cells: Mapping[Cell, FloatArray],
) -> dict[Cell, FloatArray]:
    """Points ``[days]`` of every cell, whose sums are the agreed total, and teams and features as near as they can be.

    Where all cells are zero, so is the total: there is nobody to owe it.
    """
    if not cells:
        return {}
    bottom = np.array(list(cells.values()))
    is_spent = bottom.sum(axis=0) > _NOTHING
    levels = [
        total,
        *(np.sum(list(level.values()), axis=0) for level in (teams, features) if level),
        bottom.sum(axis=0),
    ]
    agreed = np.where(is_spent, np.mean(levels, axis=0), 0.0)
    raked = scaled_to(bottom, agreed)
    for _ in range(_ROUNDS):
        for position, level in ((0, teams), (1, features)):
            raked = _raked(raked, [cell[position] for cell in cells], level, agreed)
    raked = scaled_to(raked, agreed)
    return dict(zip(cells, raked, strict=True))


def _raked(cells: FloatArray, names: list[str], level: Mapping[str, FloatArray], agreed: FloatArray) -> FloatArray:
    """Cells scaled to the values of one level, which itself is scaled to the agreed total."""
    if not level:
        return cells
    order = {name: row for row, name in enumerate(dict.fromkeys(names))}
    rows = np.array([order[name] for name in names])
    sums = np.zeros((len(order), cells.shape[1]))
    np.add.at(sums, rows, cells)
    wanted = np.array([level.get(name, sums[row]) for name, row in order.items()])
    # A value whose cells are all zero cannot be reached, and must not be waited for.
    wanted = np.where(sums > _NOTHING, wanted, 0.0)
    # A day on which no value that could be reached is forecast at anything has no shares to give.
    wanted = scaled_to(np.where(wanted.sum(axis=0) > _NOTHING, wanted, sums), agreed)
    factor = np.divide(wanted, sums, out=np.ones_like(sums), where=sums > _NOTHING)
    return np.asarray(cells * factor[rows], dtype=np.float64)


def scaled_to(parts: FloatArray, total: FloatArray) -> FloatArray:
    """Parts ``[n, days]`` times one factor a day, so that they sum to the total; days without parts stay zero."""
    sums = parts.sum(axis=0)
    return np.asarray(parts * np.divide(total, sums, out=np.zeros_like(total), where=sums > _NOTHING), dtype=np.float64)


def follow(nodes: Mapping[str, FloatArray], total: FloatArray) -> dict[str, FloatArray]:
    """The values of one more dimension, scaled to the agreed total; what none of them owns is ``unattributed``."""
    scaled = scaled_to(np.array(list(nodes.values())), total) if nodes else np.zeros((0, len(total)))
    left = total - scaled.sum(axis=0)
    found = dict(zip(nodes, scaled, strict=True))
    if (left > _NOTHING).any():
        found[UNATTRIBUTED] = found.get(UNATTRIBUTED, np.zeros_like(total)) + np.where(left > _NOTHING, left, 0.0)
    return found
