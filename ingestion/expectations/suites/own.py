"""What TokenAtlas itself lands: the price book, the configuration, the forecasts and what became of alerts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from ingestion.expectations.suites.vocabulary import (
    NUMBER_SUFFIX,
    Expectations,
    between,
    currency,
    decimals,
    not_blank,
    not_negative,
    one_of,
    ordered,
    positive_decimals,
    record_of,
    unique,
)
from ingestion.records import STREAMS


def _model_prices(table: str = "model_prices") -> Expectations:
    schema = STREAMS[table].schema
    prices = [name for name in schema.names if name.endswith(("_usd_per_mtok", "_usd_per_thousand"))]
    return (
        record_of(table)
        + not_blank("provider_name", "model_name", "model_id", "service_tier", "price_source")
        + positive_decimals(*prices)
        + not_negative("min_input_tokens")
        + ordered("min_input_tokens", "max_input_tokens", or_equal=False)
        + ordered("valid_from_date", "valid_to_date")
        + unique("provider_name", "model_name", "service_tier", "valid_from_date", "min_input_tokens")
    )


def _spans(table: str) -> Expectations:
    return record_of(table) + ordered("valid_from_date", "valid_to_date")


def _budgets() -> Expectations:
    return (
        _spans("config_budgets")
        + unique("budget_id", "valid_from_date")
        + one_of("budget_kind", ("budget", "provider_limit", "prepaid_credit", "commitment"))
        + one_of("period", ("month", "quarter", "year", "custom"))
        + between("fiscal_year_start_month", 1, 12)
        + positive_decimals("amount", "alert_probability")
        + currency("currency")
    )


def _experiments() -> Expectations:
    return (
        record_of("config_experiments")
        + unique("experiment_id")
        + not_blank("experiment_id", "feature", "arms", "control_variant")
        + one_of("randomization_unit", ("request", "trace", "session", "customer"))
        + one_of("primary_metric", ("cost_per_successful_outcome", "cost_per_request", "success_rate"))
        + one_of("stop_rule", ("sequential", "fixed_date", "max_units"))
        + positive_decimals("minimum_effect_ratio", "alpha", "power")
        + ordered("first_date", "last_date")
    )


def _planned_changes() -> Expectations:
    return (
        record_of("config_planned_changes")
        + unique("change_id")
        + one_of("driver", ("requests", "tokens_per_request", "price"))
        + positive_decimals("factor", "daily_amount_usd")
        + not_negative("ramp_days")
        + ordered("start_date", "end_date")
    )


def _forecast_scenarios() -> Expectations:
    return (
        record_of("config_forecast_scenarios")
        + unique("scenario", "team", "feature")
        + decimals("monthly_growth_ratio")
        + positive_decimals("fade_months", "saturation_ratio")
    )


def _alert_channels() -> Expectations:
    return (
        record_of("config_alert_channels")
        + unique("channel")
        + not_blank("url_env")
        + one_of("min_severity", ("info", "warning", "critical"))
    )


def _splits() -> Expectations:
    methods = ("fixed", "even", "direct_spend")
    return _spans("config_cost_splits") + one_of("split_method", methods) + positive_decimals("weight")


def _invoices() -> Expectations:
    return (
        record_of("config_invoices")
        + unique("invoice_id")
        + decimals("total_amount")
        + currency("currency")
        + ordered("period_start_date", "period_end_date")
    )


def _forecast_days() -> Expectations:
    lower, middle, upper = (f"{which}_cost_usd{NUMBER_SUFFIX}" for which in ("lower", "forecast", "upper"))
    return (
        record_of("forecast_days")
        + decimals(
            "lower_cost_usd", "forecast_cost_usd", "upper_cost_usd", "p05_cost_usd", "p50_cost_usd", "p95_cost_usd"
        )
        + ordered(lower, middle)
        + ordered(middle, upper)
        + ordered("cutoff_date", "cost_date", or_equal=False)
        + unique("series_id", "cutoff_date", "cost_date", "model_name", "scenario")
    )


def _forecast_periods() -> Expectations:
    schema = STREAMS["forecast_periods"].schema
    totals = [name for name in schema.names if name.startswith("total_p") and name.endswith("_usd")]
    rising = [pair for low, high in pairwise(totals) for pair in _rising(low, high)]
    return (
        record_of("forecast_periods")
        + decimals("actual_to_cutoff_usd", *totals)
        + rising
        + ordered("period_start_date", "period_end_date")
    )


def _rising(low: str, high: str) -> Expectations:
    return ordered(f"{low}{NUMBER_SUFFIX}", f"{high}{NUMBER_SUFFIX}")


def _alert_events() -> Expectations:
    transitions = ("raised", "renotified", "acknowledged", "no_data", "resumed", "resolved")
    return (
        record_of("alert_events")
        + unique("event_id")
        + not_blank("event_id", "alert_id", "alert_kind")
        + one_of("event_name", (*transitions, "queued", "failed", "delivered", "dead", "requeued"))
        + one_of("alert_state", ("raised", "renotified", "acknowledged", "no_data", "resolved"))
        + one_of("severity", ("info", "warning", "critical"))
        + between("event_number", 1)
        + between("episode", 1)
        + not_negative("attempt_count")
        + positive_decimals("rank")
    )


def _recommendation_events() -> Expectations:
    states = ("open", "accepted", "rejected", "done", "expired")
    names = ("opened", "updated", "expired", "reopened", "verified", "accepted", "rejected", "done")
    return (
        record_of("recommendation_events")
        + unique("event_id")
        + one_of("event_name", names)
        + one_of("state", states)
        + between("event_number", 1)
    )


def _recommendations() -> Expectations:
    saving = "expected_saving{}_usd_per_month".format
    return (
        record_of("recommendations")
        + unique("recommendation_id", "assessment_date")
        + one_of("state", ("open", "accepted", "rejected", "done", "expired"))
        + one_of("confidence", ("high", "medium", "low"))
        + decimals(saving(""), saving("_lower"), saving("_upper"), "additional_saving_usd_per_month")
        + ordered("first_seen_date", "last_seen_date")
    )


SUITES: dict[str, Callable[[], Expectations]] = {
    "model_prices": _model_prices,
    "candidate_prices": lambda: _model_prices("candidate_prices"),
    "model_candidates": lambda: (
        record_of("model_candidates")
        + not_blank("provider_name", "model_id")
        + positive_decimals("tokens_per_reference", "token_uncertainty_ratio")
        + not_negative("context_window_tokens", "min_cached_tokens")
        + unique("feature", "provider_name", "model_id")
    ),
    "config_sources": lambda: record_of("config_sources") + unique("source_name"),
    "config_teams": lambda: record_of("config_teams") + unique("team") + not_blank("team"),
    "config_features": lambda: record_of("config_features") + unique("feature") + not_blank("feature"),
    "config_attribution_rules": lambda: _spans("config_attribution_rules") + unique("rule_id"),
    "config_cost_splits": _splits,
    "config_budgets": _budgets,
    "config_experiments": _experiments,
    "config_planned_changes": _planned_changes,
    "config_forecast_scenarios": _forecast_scenarios,
    "config_customers": lambda: record_of("config_customers") + unique("customer_id") + not_blank("customer_id"),
    "config_alert_channels": _alert_channels,
    "config_invoices": _invoices,
    "config_fx_rates": lambda: (
        record_of("config_fx_rates")
        + currency("currency")
        + positive_decimals("usd_per_unit")
        + unique("currency", "rate_date")
    ),
    "config_model_quality": lambda: (
        record_of("config_model_quality")
        + decimals("quality_score")
        + unique("feature", "provider_name", "model_id")
        + not_blank("provider_name", "model_id", "source")
    ),
    "forecast_days": _forecast_days,
    "forecast_periods": _forecast_periods,
    "forecast_series": lambda: record_of("forecast_series") + unique("series_id", "cutoff_date", "scenario"),
    "forecast_drivers": lambda: (
        record_of("forecast_drivers")
        + decimals("forecast_cost_usd")
        + unique("series_id", "cutoff_date", "scenario", "period_start_date")
    ),
    "experiment_arms": lambda: (
        record_of("experiment_arms")
        + unique("experiment_id", "variant")
        + one_of("status", ("planned", "running", "stopped", "finished", "undeclared"))
        + one_of("verdict", ("better", "worse", "no difference", "inconclusive", "invalid"))
        + between("p_value", 0, 1)
        + between("srm_p_value", 0, 1)
    ),
    "experiment_looks": lambda: (
        record_of("experiment_looks") + unique("experiment_id", "variant", "look_date") + between("p_value", 0, 1)
    ),
    "forecast_nowcasts": lambda: (
        record_of("forecast_nowcasts")
        + decimals("known_cost_usd", "nowcast_cost_usd")
        + ordered("cutoff_date", "cost_date", or_equal=False)
        + unique("series_id", "cutoff_date", "cost_date")
    ),
    "alert_events": _alert_events,
    "recommendation_events": _recommendation_events,
    "recommendations": _recommendations,
    "digest_deliveries": lambda: (
        record_of("digest_deliveries")
        + not_blank("message_id", "week_name", "channel")
        + one_of("event_name", ("sending", "delivered", "failed", "refused", "unknown"))
    ),
    "model_efficiency": lambda: (
        record_of("model_efficiency")
        + unique("feature", "provider_name", "model_id", "assessment_date")
        + one_of("frontier_status", ("on frontier", "dominated", "not known"))
    ),
    "prompt_revisions": lambda: (
        record_of("prompt_revisions")
        + unique("feature", "prompt_name", "prompt_version", "assessment_date")
        + one_of("verdict", ("better", "worse", "no difference", "inconclusive", "first"))
    ),
}
