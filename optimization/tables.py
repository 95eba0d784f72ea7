"""The tables that optimization is landed in, as the landing contract has them (a test holds the two together)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

import pyarrow as pa

from optimization.statistics import Estimate

MODEL_EFFICIENCY = "model_efficiency"
PROMPT_REVISIONS = "prompt_revisions"

Value = str | float | bool | date | Decimal | None


def interval_fields(*names: str, kind: pa.DataType | None = None) -> list[pa.Field]:
    """An estimate, its lower and its upper limit, each of which may be unknown; money is text, other numbers doubles.

    ``cost_of_pass_usd`` gives ``cost_of_pass_lower_usd`` and ``cost_of_pass_upper_usd`` beside it.
    """
    fields = []
    for name in names:
        of_kind = kind or (pa.string() if name.endswith("_usd") else pa.float64())
        fields += [
            pa.field(column, of_kind) for column in (name, limit_column(name, "lower"), limit_column(name, "upper"))
        ]
    return fields


def limit_column(name: str, limit: str) -> str:
    """``cost_per_request_lower_usd`` for ``cost_per_request_usd``; other units come before the limit."""
    return f"{name.removesuffix('_usd')}_{limit}_usd" if name.endswith("_usd") else f"{name}_{limit}"


def _texts(*names: str, nullable: bool = False) -> list[pa.Field]:
    return [pa.field(name, pa.string(), nullable=nullable) for name in names]


SCHEMAS: dict[str, pa.Schema] = {
    MODEL_EFFICIENCY: pa.schema(
        [
            *_texts("feature", "provider_name", "model_id"),
            *_texts("dominated_by_model_id", nullable=True),
            *_texts("frontier_status", "finding"),
            *interval_fields("success_rate", "mean_quality_score"),
            *interval_fields("cost_per_request_usd", "cost_per_attempt_usd"),
            *interval_fields("quality_adjusted_price_usd", "cost_of_pass_usd"),
            pa.field("dominance_probability", pa.float64()),
            pa.field("is_on_frontier", pa.bool_(), nullable=False),
            pa.field("is_dominated", pa.bool_(), nullable=False),
            pa.field("assessment_date", pa.date32(), nullable=False),
        ]
    ),
    PROMPT_REVISIONS: pa.schema(
        [
            *_texts("feature", "prompt_name", "prompt_version"),
            *_texts("previous_prompt_version", "regression_reasons", nullable=True),
            *_texts("verdict", "finding"),
            *interval_fields("cost_per_successful_outcome_usd", "success_rate"),
            *interval_fields("change_cost_per_successful_outcome_usd", "change_cost_per_request_ratio"),
            *interval_fields("change_success_rate"),
            *interval_fields("change_input_tokens_ratio", "change_output_tokens_ratio", "change_duration_ratio"),
            *interval_fields("change_cache_hit_ratio"),
            pa.field("comparable_request_ratio", pa.float64()),
            pa.field("is_regression", pa.bool_(), nullable=False),
            pa.field("is_confounded", pa.bool_(), nullable=False),
            pa.field("assessment_date", pa.date32(), nullable=False),
        ]
    ),
}
"""By stream. Money and other exact numbers travel as decimal text, as everywhere in the lake."""


def interval_columns(name: str, estimate: Estimate) -> dict[str, Value]:
    """The three columns of an estimate, as ``interval_fields`` names them."""
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
EXPERIMENT_ARMS = "experiment_arms"
EXPERIMENT_LOOKS = "experiment_looks"

_KINDS = {
    "text": pa.string(),
    "money": pa.string(),  # as exact decimal text, as everywhere in the lake
    "count": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "day": pa.date32(),
}


def schema(*columns: str) -> pa.Schema:
    """Schema from ``kind name name?`` lines: a kind, and the columns of that kind; ``?`` marks what can be null."""
    fields = []
    for line in columns:
        kind, *names = line.split()
        fields += [pa.field(name.rstrip("?"), _KINDS[kind], nullable=name.endswith("?")) for name in names]
    return pa.schema(fields)


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
}
"""By stream."""
