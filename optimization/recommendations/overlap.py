"""Savings on the same traffic are not counted twice: what is left of each once everything before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from optimization.recommendations.model import Recommendation, State

Cell = tuple[str, str, str]
"""Feature, provider, model: traffic that one change touches as a whole."""


@dataclass(frozen=True)
class Placed:
    """One recommendation among the others.

    Attributes:
        group: Those that touch a common cell have one name; None: it touches nothing that another does.
        additional_usd: Dollars a month that it adds once everything that ranks before it is done.
    """

    recommendation: Recommendation
    group: str | None
    additional_usd: Decimal
    is_best_of_group: bool


def place(standing: Sequence[Recommendation], costs: Mapping[Cell, Decimal]) -> list[Placed]:
    """Ranks recommendations by what each adds to those before it.

    The largest is taken whole; of the next, on the same traffic, the share that it saves is applied to what is left:
    batch at half price after a model at a fifth saves half of the fifth. What has been accepted comes first.

    Args:
        costs: Dollars a month of each cell now.
    Returns:
        In the order of ``additional_usd``, the largest first.
    """
    order = sorted(
        standing,
        key=lambda one: (one.state is not State.ACCEPTED, -one.candidate.saving_usd, one.recommendation_id),
    )
    left = {cell: cost for cell, cost in costs.items() if cost > 0}
    full = dict(left)
    touched = {one.recommendation_id: _cells(one, full) for one in order}
    groups = _groups(order, touched)
    additional: dict[str, Decimal] = {}
    first_of: dict[str, str] = {}
    for one in order:
        cells = touched[one.recommendation_id]
        whole = sum((full[cell] for cell in cells), Decimal(0))
        saving = one.candidate.saving_usd
        if whole > 0:
            part = min(saving / whole, Decimal(1))
            additional[one.recommendation_id] = sum((left[cell] * part for cell in cells), Decimal(0))
            for cell in cells:
                left[cell] *= 1 - part
        else:
            additional[one.recommendation_id] = saving
        if (group := groups.get(one.recommendation_id)) is not None:
            first_of.setdefault(group, one.recommendation_id)
    placed = [
        Placed(
            one,
            groups.get(one.recommendation_id),
            additional[one.recommendation_id],
            first_of.get(groups.get(one.recommendation_id, ""), one.recommendation_id) == one.recommendation_id,
        )
        for one in order
    ]
    return sorted(placed, key=lambda each: (-each.additional_usd, each.recommendation.recommendation_id))


def _cells(one: Recommendation, costs: Mapping[Cell, Decimal]) -> list[Cell]:
    candidate = one.candidate
    if candidate.feature is None:
        return []
    return [
        (feature, provider, model)
        for feature, provider, model in costs
        if feature == candidate.feature
        and candidate.provider_name in (None, provider)
        and candidate.model_id in (None, model)
    ]


def _groups(order: Sequence[Recommendation], touched: Mapping[str, Sequence[Cell]]) -> dict[str, str]:
    """Name of the group of each recommendation that shares a cell with another, directly or through others."""
    parent: dict[str, str] = {one.recommendation_id: one.recommendation_id for one in order}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    owner: dict[Cell, str] = {}
    for one in order:
        for cell in touched[one.recommendation_id]:
            other = owner.setdefault(cell, one.recommendation_id)
            parent[root(one.recommendation_id)] = root(other)
    members: dict[str, list[Recommendation]] = {}
    for one in order:
        members.setdefault(root(one.recommendation_id), []).append(one)
    return {
        one.recommendation_id: f"{group[0].candidate.feature}/{group[0].recommendation_id}"
        for group in members.values()
        if len(group) > 1
        for one in group
    }
