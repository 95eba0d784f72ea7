"""What the experiments of the sandbox company really do, from what it was built with and what it really sent."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from sandbox import company

MODELS = {"exp-triage-prompt": ("gpt-5-mini", "gpt-5-mini"), "exp-answer-model": ("gpt-5.6-sol", "gpt-5.6-luna")}
"""Models of control and treatment as the price book has them."""


def true_ratios(home: Path, warehouse: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Cost per successful outcome of the treatment ÷ that of the control, by experiment.

    The feature's requests outside of the treatment, since four weeks before the experiment, are priced as each arm would
    have sent them: with its model and its input. They are many more than those of one arm, so the ratio is nearly that of the
    draws themselves. Success rates are those that outcomes were drawn with.
    """
    effects = json.loads((home / "sandbox" / "truth" / "effects.json").read_text())["experiments"]
    ratios = {}
    for effect in effects:
        if effect["variant"] != "treatment":
            continue
        experiment_id, feature = effect["experiment_id"], effect["feature"]
        control_model, treatment_model = MODELS[experiment_id]
        rows = warehouse.execute(
            """
            with prices as (
                select
                    model_id,
                    any_value(uncached_input_usd_per_mtok) as input_price,
                    any_value(cache_read_usd_per_mtok) as cache_price,
                    any_value(output_usd_per_mtok) as output_price
                from core.dim_model_prices
                where
                    model_id in ($control, $treatment)
                    and service_tier = 'standard'
                    and coalesce(min_input_tokens, 0) = 0
                    and usage_date = (select max(usage_date) from core.dim_model_prices where model_id = $treatment)
                group by model_id
            ),
            requests as (
                select
                    *,
                    min(usage_date) filter (where experiment_id = $experiment) over () as first_date
                from read_parquet($path)
                where feature = $feature and is_billable
            )
            select
                sum((prices.input_price * requests.uncached_input_tokens + prices.cache_price * requests.cache_read_tokens) / 1e6)
                    as input_cost,
                sum(
                    prices.output_price * requests.output_tokens / 1e6
                    + coalesce(requests.web_search_requests, 0) * 0.01
                ) as other_cost
            from requests
            cross join prices
            where requests.variant is distinct from 'treatment' and requests.usage_date >= requests.first_date - 28
            group by prices.model_id
            order by prices.model_id <> $control
            """,
            {
                "control": control_model,
                "treatment": treatment_model,
                "path": str(home / "sandbox" / "truth" / "requests.parquet"),
                "feature": feature,
                "experiment": experiment_id,
            },
        ).fetchall()
        (control_input, control_rest), (treatment_input, treatment_rest) = rows[0], rows[-1]
        cost = (treatment_input * effect["input_factor"] + treatment_rest) / (control_input + control_rest)
        (site,) = (site for site in company.FEATURES if site.feature == feature)
        rate = site.success_rate + site.prompts[-1].quality_shift if site.prompts else site.success_rate
        ratios[experiment_id] = cost * rate / (rate + effect["quality_shift"])
    return ratios
