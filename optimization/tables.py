"""The tables that optimization is landed in, as the landing contract has them (a test holds the two together)."""

from __future__ import annotations

import pyarrow as pa

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
