"""Names for people: from a column's name, whose ending says its unit, to a label and a number format."""

from __future__ import annotations

SPECIAL = {
    "team": "Team",
    "provider_name": "Provider",
    "model_id": "Model",
    "customer_id": "Customer",
    "account_id": "Account",
    "project_id": "Project",
    "invoice_id": "Invoice",
    "experiment_id": "Experiment",
    "candidate_model_id": "Candidate",
    "dominated_by_model_id": "Dominated by",
    "dimension_value": "Series",
    "dimension_name": "Series of",
    "cost_month": "Month",
    "month_start_date": "Month",
    "budget_name": "Budget",
    "budget_usd": "Budget ($)",
    "projected_p50_usd": "Expected ($)",
    "projected_p10_usd": "Low, p10 ($)",
    "projected_p90_usd": "High, p90 ($)",
    "breach_date": "Passed on",
    "cost_date": "Day",
    "cost_of_pass_usd": "Cost of a success ($)",
    "is_on_frontier": "Needed",
    "p95_duration_seconds": "Slowest 5 % (s)",
    "has_sample_ratio_mismatch": "Uneven split",
    "is_regression": "Regression",
    "p_value": "p",
    "saving_usd_per_month": "Saving ($ a month)",
    "current_success_rate": "Succeeds now",
    "candidate_success_rate": "Candidate succeeds",
    "required_success_rate": "Must reach",
    "horizon_days": "Days ahead",
    "scenario": "Measured by",
    "cutoff_count": "Forecasts",
    "coverage_80_ratio": "In the 80 % range",
    "skill_vs_naive_ratio": "Better than naive by",
    "total_accuracy_ratio": "Accuracy of the sum",
    "accuracy_ratio": "Accuracy by day",
    "expected_low_usd": "Low, p10 ($)",
    "expected_high_usd": "High, p90 ($)",
    "expected_saving_usd_per_month": "Saving ($ a month)",
    "explained_by": "Explained by",
    "explained_value": "which is",
    "owner_email": "Owner",
    "how_to": "How to",
}
SMALL_PRICES = ("_per_request", "_per_attempt", "_per_successful_outcome", "cost_of_pass", "quality_adjusted_price")
"""Parts of names of dollars that are mostly cents or less."""

ENDINGS = (
    # Longest first: the first that fits gives label and format.
    ("_usd_per_month", " ($ a month)", "$,.2f"),
    ("_usd_per_mtok", " ($ per million tokens)", "$,.2f"),
    ("_per_successful_outcome_usd", " per success ($)", "$,.2f"),
    ("_usd", " ($)", "$,.2f"),
    ("_probability", " probability", ".0%"),
    ("_ratio", "", ".1%"),
    ("_rate", " rate", ".1%"),
    ("_share", " share", ".1%"),
    ("_count", "s", ",d"),
    ("_tokens", " tokens", ",.3~s"),
    ("_tokens_per_request", " tokens per request", ",.3~s"),
    ("_value", " value", ",.3f"),
    ("_seconds", " (s)", ",.2f"),
    ("_days", " days", ",d"),
    ("_date", "", ""),
    ("_at", "", ""),
    ("_name", "", ""),
)


def column_label(name: str) -> str:
    """A label for a column: ``billed_cost_usd`` is ``Billed cost ($)``."""
    if name in SPECIAL:
        return SPECIAL[name]
    # A bound stands beside its estimate.
    for bound, words in (("_lower", "at least"), ("_upper", "at most")):
        if bound in name:
            return words
    for ending, words, _ in ENDINGS:
        if name.endswith(ending):
            return _sentence(name.removesuffix(ending)) + words
    return _sentence(name)


def column_format(name: str) -> str:
    """The number format of a column in d3 notation; empty for one that is no number with a unit."""
    if name.endswith("_usd") and any(part in name for part in SMALL_PRICES):
        return "$,.4f"
    if name.endswith(("_lower", "_upper")):
        return column_format(name.rsplit("_", 1)[0])
    return next((format_ for ending, _, format_ in ENDINGS if name.endswith(ending)), "")


def _sentence(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
