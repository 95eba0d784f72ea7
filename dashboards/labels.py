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
    "expected_saving_lower_usd_per_month": "at least",
    "expected_saving_upper_usd_per_month": "at most",
    "explained_by": "Explained by",
    "explained_value": "which is",
    "owner_email": "Owner",
    "how_to": "How to",
}
ENDINGS = (
    # Longest first: the first that fits gives label and format.
    ("_usd_per_month", " ($ a month)", "$,.2f"),
    ("_usd_per_mtok", " ($ per million tokens)", "$,.2f"),
    ("_per_request_usd", " per request ($)", "$,.4f"),
    ("_per_attempt_usd", " per attempt ($)", "$,.4f"),
    ("_per_successful_outcome_usd", " per success ($)", "$,.4f"),
    ("_usd", " ($)", "$,.2f"),
    ("_probability", " probability", ".0%"),
    ("_ratio", "", ".1%"),
    ("_rate", " rate", ".1%"),
    ("_share", " share", ".1%"),
    ("_count", "s", ",d"),
    ("_tokens", " tokens", ",.3~s"),
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
    for ending, words, _ in ENDINGS:
        if name.endswith(ending):
            return _sentence(name.removesuffix(ending)) + words
    return _sentence(name)


def column_format(name: str) -> str:
    """The number format of a column in d3 notation; empty for one that is no number with a unit."""
    return next((format_ for ending, _, format_ in ENDINGS if name.endswith(ending)), "")


def _sentence(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
