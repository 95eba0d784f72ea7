"""When each kind of alert is raised, told again and resolved. Shipped levels; ``alert_rules.csv`` overrides them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from alerting.model import AlertKind, Severity


@dataclass(frozen=True)
class Policy:
    """How one kind of alert behaves.

    Attributes:
        level: What must be reached for it to be raised; the unit depends on the kind (``docs/alerts.md``).
        hysteresis: How far below the level it must fall to count as clear, in the same unit.
        severity: Instead of the one that the rule finds.
        renotify_after: When an alert that nobody acknowledged is told again; None: never.
        resolve_after: How long it must have been clear without interruption.
    """

    level: Decimal = Decimal(0)
    hysteresis: Decimal = Decimal(0)
    severity: Severity | None = None
    renotify_after: timedelta | None = timedelta(days=7)
    resolve_after: timedelta = timedelta(days=1)
    is_enabled: bool = True


SHIPPED: Mapping[AlertKind, Policy] = {
    # The level is the budget's own alert_probability.
    AlertKind.BREACH_EXPECTED: Policy(hysteresis=Decimal("0.15")),
    # The levels are the budget's own thresholds: each is told once, and a corrected bill takes it back at once.
    AlertKind.THRESHOLD_PASSED: Policy(renotify_after=None, resolve_after=timedelta(0)),
    AlertKind.BUDGET_BREACHED: Policy(resolve_after=timedelta(0)),
    # Days until prepaid credit is used up; a commitment is told when it is met.
    AlertKind.CREDIT_RUNS_OUT: Policy(level=Decimal(14), hysteresis=Decimal(7)),
    # Dollars that the budgets below a budget promise beyond it.
    AlertKind.OVERCOMMITTED: Policy(renotify_after=timedelta(days=30), resolve_after=timedelta(0)),
    # How far the day lies outside of its 90 % interval, in widths of that interval, or two such days in a row.
    AlertKind.SPEND_ANOMALY: Policy(
        level=Decimal("0.5"), renotify_after=timedelta(days=3), resolve_after=timedelta(days=2)
    ),
    # Change of the cost per request against the four weeks before, as a ratio.
    AlertKind.UNIT_COST_DRIFT: Policy(level=Decimal("0.2"), resolve_after=timedelta(days=2)),
    # Days beyond the usual gap between days with data.
    AlertKind.DATA_LATE: Policy(level=Decimal(2), renotify_after=timedelta(days=1), resolve_after=timedelta(0)),
    # Rise of the share, in points (0.05 is from 2 % to 7 %), of the last week over the four weeks before.
    AlertKind.UNPRICED_SPEND: Policy(level=Decimal("0.05"), hysteresis=Decimal("0.02")),
    AlertKind.UNATTRIBUTED_SPEND: Policy(level=Decimal("0.05"), hysteresis=Decimal("0.02")),
}


@dataclass(frozen=True)
class Override:
    """One line of ``alert_rules.csv``; what is None keeps the shipped value."""

    kind: AlertKind
    is_enabled: bool = True
    severity: Severity | None = None
    level: Decimal | None = None
    hysteresis: Decimal | None = None
    renotify_after_hours: int | None = None
    resolve_after_hours: int | None = None


def policies(overrides: Iterable[Override] = ()) -> dict[AlertKind, Policy]:
    """The policy of every kind. ``renotify_after_hours`` of 0 means never again."""
    found = dict(SHIPPED)
    for override in overrides:
        found[override.kind] = _overridden(found[override.kind], override)
    return found


def _overridden(policy: Policy, override: Override) -> Policy:
    renotify, resolve = override.renotify_after_hours, override.resolve_after_hours
    renotify_after = policy.renotify_after if renotify is None else timedelta(hours=renotify)
    return dataclasses.replace(
        policy,
        is_enabled=override.is_enabled,
        severity=override.severity,
        level=policy.level if override.level is None else override.level,
        hysteresis=policy.hysteresis if override.hysteresis is None else override.hysteresis,
        renotify_after=None if renotify == 0 else renotify_after,
        resolve_after=policy.resolve_after if resolve is None else timedelta(hours=resolve),
    )
