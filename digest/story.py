"""The sentences of a digest, made from its facts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from digest.facts import Action, Anomaly, Budget, Digest, Done, Driver, Line
from digest.words import day, percent, short_day, usd

SMALL_CHANGE = Decimal("0.02")
LINES_SHOWN = 6

DRIVER_WORDS = {
    "volume": "Number of requests",
    "tokens_per_request": "Tokens per request",
    "cache_share": "Share of tokens read from the cache",
    "model_mix": "Mix of models",
    "service_tier": "Service tiers",
    "list_price": "List prices",
    "discount": "Discounts",
    "other": "Charges without tokens",
}
STATUS_WORDS = {
    "ok": "on track",
    "at_risk": "at risk",
    "breached": "passed",
    "met": "met",
    "no_rate": "no exchange rate",
    "no_forecast": "ends beyond the forecast",
    "unknown_scope": "nothing was ever spent on it",
}


def headline(digest: Digest) -> str:
    """What the week came to, in one sentence."""
    week = digest.this_week
    who = "We" if digest.team is None else digest.audience
    if week is None:
        return f"{who} spent nothing that is known in this week."
    if not week.is_known:
        whose = "we" if digest.team is None else digest.audience
        return f"What {whose} spent is not known: nothing of this week has a price."
    parts = [f"{who} spent {usd(week.effective_cost_usd)}"]
    if digest.change_ratio is not None:
        parts.append(_against(digest.change_ratio, "the week before"))
    if week.expected_usd is not None:
        parts.append(_against_forecast(digest))
    return ", ".join(parts[:2]) + (f" and {parts[2]}" if len(parts) > 2 else "") + "."


def _against(change: Decimal, what: str) -> str:
    if abs(change) < SMALL_CHANGE:
        return f"about as much as {what}"
    return f"{percent(abs(change))} {'more' if change > 0 else 'less'} than {what}"


def _against_forecast(digest: Digest) -> str:
    week = digest.this_week
    assert week is not None  # noqa: S101 - asked for only where there is one
    assert week.expected_usd is not None  # noqa: S101 - same
    lower, upper = week.expected_lower_usd, week.expected_upper_usd
    if lower is not None and upper is not None and lower <= week.effective_cost_usd <= upper:
        return "within what was expected"
    way = "more" if week.effective_cost_usd > week.expected_usd else "less"
    return f"{way} than was expected ({usd(week.expected_usd)})"


def no_comparison(digest: Digest) -> str:
    """Why a change from the week before cannot be told; empty where it can."""
    if digest.this_week is not None and not digest.this_week.is_known:
        return "What this week cost is not known."
    if digest.has_whole_week_before:
        return ""
    begins = f": data begins on {day(digest.first_date)}" if digest.first_date else ""
    return f"There is no whole week before to compare with{begins}."


def movers(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines that changed most, the largest change first."""
    return tuple(sorted(lines, key=lambda line: (-abs(line.change_usd), line.name))[:LINES_SHOWN])


def anomaly_sentence(anomaly: Anomaly) -> str:
    what = {"total": "All spend", "team": f"Team {anomaly.dimension_value}", "feature": f"{anomaly.dimension_value}"}
    named = what.get(anomaly.dimension_name, anomaly.dimension_value)
    days = f"on {short_day(anomaly.cost_date)}" if anomaly.day_count == 1 else f"on {anomaly.day_count} days"
    way = "above" if anomaly.direction == "above" else "below"
    sentence = (
        f"{named} was {usd(abs(anomaly.excess_cost_usd))} {way} its forecast {days} "
        f"({usd(anomaly.actual_cost_usd)} instead of {usd(anomaly.expected_cost_usd)})"
    )
    if anomaly.explained_by and anomaly.explained_value:
        cause = {"api_key": "key", "prompt_version": "prompt"}.get(anomaly.explained_by, anomaly.explained_by)
        sentence += f"; the {cause} {anomaly.explained_value} explains most of it"
    return sentence + "."


def driver_name(driver: Driver) -> str:
    return DRIVER_WORDS.get(driver.driver_name, driver.driver_name.replace("_", " "))


def budget_status(budget: Budget) -> str:
    if budget.status == "breached" and budget.budget_kind == "commitment":
        return "fell short"
    return STATUS_WORDS.get(budget.status, budget.status.replace("_", " "))


def budget_tone(budget: Budget) -> str:
    """``bad``, ``warn`` or ``fine``: how it is coloured."""
    if budget.status == "breached":
        return "bad"
    return "warn" if budget.status == "at_risk" else "fine"


def budget_sentence(budget: Budget) -> str:
    """Where it stands, and where it ends up."""
    if budget.budget_usd is None:
        return "Its amount has no exchange rate: add one to config/fx_rates.csv."
    parts = [
        f"{usd(budget.spent_usd)} of {usd(budget.budget_usd)} used, {percent(budget.elapsed_ratio)} of the time gone"
    ]
    if budget.projected_p50_usd is not None:
        parts.append(
            f"expected in all {usd(budget.projected_p50_usd)}, 8 times in 10 between "
            f"{usd(budget.projected_p10_usd)} and {usd(budget.projected_p90_usd)}"
        )
    return "; ".join(parts) + "."


def budget_fate(budget: Budget) -> str:
    """What is to come of it, in a few words; empty where nothing is to be told."""
    likely = None if budget.breach_probability is None else _likely(budget.breach_probability)
    if budget.budget_kind == "commitment":
        if budget.status == "breached":
            return "Not spent in full"
        return f"{likely} to fall short" if likely and budget.status == "at_risk" else ""
    when = f" about {short_day(budget.breach_date)}" if budget.breach_date else ""
    if budget.status == "breached":
        return f"Passed{f' on {short_day(budget.breach_date)}' if budget.breach_date else ''}"
    verb = "used up" if budget.budget_kind == "prepaid_credit" else "passed"
    return f"{likely} to be {verb}{when}" if likely and (budget.breach_probability or 0) >= 0.2 else ""


def _likely(probability: float) -> str:
    return "almost certain" if probability >= 0.99 else f"{probability * 100:.0f} % likely"


def shown_budgets(digest: Digest) -> tuple[Budget, ...]:
    """Those near their cap, and as many more as make the picture whole."""
    near = [budget for budget in digest.budgets if budget_tone(budget) != "fine"]
    return tuple((near + [budget for budget in digest.budgets if budget_tone(budget) == "fine"])[: max(6, len(near))])


def action_saving(action: Action) -> str:
    return (
        f"about {usd(action.saving_usd)} a month "
        f"(95 %: {usd(action.saving_lower_usd)} to {usd(action.saving_upper_usd)})"
    )


def done_sentence(done: Done) -> str:
    """What a change is found to have brought so far."""
    if done.saving_usd is None or done.status == "too early":
        return done.finding or "Too early to tell."
    so_far = (
        f"{usd(done.saving_usd)} so far in {done.days} days "
        f"(95 %: {usd(done.saving_lower_usd)} to {usd(done.saving_upper_usd)}), "
        f"{usd(done.saving_usd_per_month)} a month"
    )
    words = {
        "saved": "Saved",
        "cost more": "Costs more",
        "inconclusive": "Not proven",
        "no difference": "No difference",
    }
    return f"{words.get(done.status, done.status)}: {so_far}."
