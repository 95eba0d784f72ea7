"""The tables that optimization is landed in, as the landing contract has them (a test holds the two together)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

import pyarrow as pa

from optimization.statistics import Estimate

EXPERIMENT_ARMS = "experiment_arms"
EXPERIMENT_LOOKS = "experiment_looks"
MODEL_EFFICIENCY = "model_efficiency"
PROMPT_REVISIONS = "prompt_revisions"

Value = str | float | bool | date | Decimal | None

_KINDS = {
    "text": pa.string(),
    "money": pa.string(),  # as exact decimal text, as everywhere in the lake
    "count": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "day": pa.date32(),
}


def schema(*columns: str) -> pa.Schema:
    """Schema from ``kind name name?`` lines: a kind, and the columns of that kind; ``?`` marks what can be null.

    The kind ``interval`` is an estimate with its lower and its upper limit, each of which can be null: money where the
    name ends with ``_usd``, another number where it does not.
    """
    fields = []
    for line in columns:
        kind, *names = line.split()
        if kind == "interval":
            fields += [
                pa.field(column, _KINDS["money" if name.endswith("_usd") else "number"])
                for name in names
                for column in (name, limit_column(name, "lower"), limit_column(name, "upper"))
            ]
        else:
            fields += [pa.field(name.rstrip("?"), _KINDS[kind], nullable=name.endswith("?")) for name in names]
    return pa.schema(fields)


def limit_column(name: str, limit: str) -> str:
    """``cost_per_request_lower_usd`` for ``cost_per_request_usd``; other units come before the limit."""
    return f"{name.removesuffix('_usd')}_{limit}_usd" if name.endswith("_usd") else f"{name}_{limit}"


SCHEMAS: dict[str, pa.Schema] = {
    EXPERIMENT_ARMS: schema(
        "text experiment_id variant status verdict? finding",
        "count unit_count crossed_unit_count request_count unpriced_request_count unidentified_request_count",
        "count outcome_count successful_outcome_count",
        "money effective_cost_usd",
        "number success_rate? success_rate_lower? success_rate_upper?",
        "number difference_success_rate? difference_success_rate_lower? difference_success_rate_upper?",
        "money cost_per_request_usd? cost_per_request_lower_usd? cost_per_request_upper_usd?",
        "money difference_cost_per_request_usd? difference_cost_per_request_lower_usd?",
        "money difference_cost_per_request_upper_usd?",
        "money cost_per_successful_outcome_usd? cost_per_successful_outcome_lower_usd?",
        "money cost_per_successful_outcome_upper_usd? difference_cost_per_successful_outcome_usd?",
        "money difference_cost_per_successful_outcome_lower_usd? difference_cost_per_successful_outcome_upper_usd?",
        "number relative_difference_ratio? relative_difference_lower_ratio? relative_difference_upper_ratio?",
        "number effect_ratio? effect_lower_ratio? effect_upper_ratio? p_value? probability_better?",
        "number expected_share? observed_share? srm_p_value? minimum_detectable_effect_ratio?",
        "count remaining_days?",
        "flag is_control is_declared is_significant has_sample_ratio_mismatch",
        "day first_date? last_date? assessment_date",
    ),
    EXPERIMENT_LOOKS: schema(
        "text experiment_id variant",
        "count unit_count",
        "number effect_ratio? effect_lower_ratio? effect_upper_ratio? p_value",
        "day look_date assessment_date",
    ),
    MODEL_EFFICIENCY: schema(
        "text feature provider_name model_id dominated_by_model_id? frontier_status finding",
        "interval success_rate mean_quality_score cost_per_request_usd cost_per_attempt_usd",
        "interval quality_adjusted_price_usd cost_of_pass_usd",
        "number dominance_probability?",
        "flag is_on_frontier is_dominated",
        "day assessment_date",
    ),
    PROMPT_REVISIONS: schema(
        "text feature prompt_name prompt_version previous_prompt_version? regression_reasons? verdict finding",
        "interval cost_per_successful_outcome_usd success_rate change_cost_per_successful_outcome_usd",
        "interval change_cost_per_request_ratio change_success_rate change_input_tokens_ratio",
        "interval change_output_tokens_ratio change_duration_ratio change_cache_hit_ratio",
        "number comparable_request_ratio?",
        "flag is_regression is_confounded",
        "day assessment_date",
    ),
}
"""By stream. Money and other exact numbers travel as decimal text, as everywhere in the lake."""


def interval_columns(name: str, estimate: Estimate) -> dict[str, Value]:
    """The three columns of an estimate, as ``schema`` names them."""
    columns = (name, limit_column(name, "lower"), limit_column(name, "upper"))
    values = (estimate.value, estimate.lower, estimate.upper)
    return {
        column: dollars(value) if name.endswith("_usd") else rounded(value)
        for column, value in zip(columns, values, strict=True)
    }


def dollars(amount: float | None) -> str | None:
    """A model's float at the border to money: to a millionth of a millionth of a dollar."""
    return None if amount is None else f"{amount:.12f}"


def rounded(number: float | None) -> float | None:
    """To nine decimals: what lies beyond is the order in which floats were added, and no news to land."""
    return None if number is None else round(number, 9)


def to_arrow(stream: str, rows: Iterable[Mapping[str, Value]]) -> pa.Table:
    """Rows of one stream, each with every column of it."""
    schema = SCHEMAS[stream]
    listed = list(rows)
    return pa.table({name: [row[name] for row in listed] for name in schema.names}, schema=schema)
