"""What came of the requests, and what customers pay: JSON lines and CSV beside the logs."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from sandbox import company
from sandbox.draws import Floats, decimals, normal
from sandbox.requests import OK, Requests
from sandbox.spec import SandboxSpec
from sandbox.troubles import Troubles

SCORED_RATE = 0.6
"""Share of outcomes that also carry a quality score."""


def outcome_table(requests: Requests, troubles: Troubles, truth: pa.Table) -> pa.Table:
    """One row for each business outcome, in the order of the requests.

    Outcomes of agents hang on the trace, outcomes of the support chat on the session, and all others on the request's
    id in the log that saw it.
    """
    features = [site.feature for site in company.sites()]
    rate = np.array([feature.outcome_rate for feature in features])[requests.site]
    happens = (requests.status == OK) & troubles.is_logged & (requests.uniform(50) < rate)
    rows = np.flatnonzero(happens)
    chosen = requests.take(rows)
    picked = truth.take(pa.array(rows))
    site = chosen.site
    shift = np.array([s.model.quality_shift for s in company.sites()])[site] + _prompt_shift(chosen)
    quality = np.array([feature.quality for feature in features])[site] + shift
    score = np.clip(np.round(quality + 0.11 * normal(chosen.uniform(51), chosen.uniform(52)), 3), 0.0, 1.0)
    success = chosen.uniform(53) < np.array([feature.success_rate for feature in features])[site] + shift
    cents = np.array([round(float(feature.outcome_value_usd) * 100) for feature in features], dtype=np.int64)[site]
    link = np.array(
        [
            "trace" if feature.steps_per_trace > 1 else "session" if feature.logs == "both" else "request"
            for feature in features
        ]
    )[site]
    log_id = [
        gateway or sdk
        for gateway, sdk in zip(picked["gateway_log_id"].to_pylist(), picked["sdk_log_id"].to_pylist(), strict=True)
    ]
    delay_us = (chosen.uniform(54) * 900e6).astype(np.int64) + 1_000_000
    return pa.table(
        {
            "outcome_id": [f"out_{request_id[4:]}" for request_id in picked["request_id"].to_pylist()],
            "true_request_id": picked["request_id"],
            "request_id": pa.array(log_id, mask=link != "request"),
            "session_id": pa.array(picked["session_id"].to_pylist(), mask=link != "session"),
            "trace_id": pa.array(picked["trace_id"].to_pylist(), mask=link != "trace"),
            "outcome_name": [features[index].outcome_name for index in site],
            "is_success": success,
            "quality_score": pa.array(score, mask=chosen.uniform(55) >= SCORED_RATE),
            "value_usd": decimals(np.where(success, cents, 0), 2),
            "occurred_at": pa.array((chosen.started_us + delay_us) // 1000 * 1000).cast(pa.timestamp("us", tz="UTC")),
        }
    )


def _prompt_shift(requests: Requests) -> Floats:
    width = max(len(feature.prompts) for feature in company.FEATURES)
    shifts = np.zeros((len(company.FEATURES), width))
    for index, feature in enumerate(company.FEATURES):
        for number, revision in enumerate(feature.prompts):
            shifts[index, number] = revision.quality_shift
    feature_of = np.array([company.FEATURES.index(site.feature) for site in company.sites()])[requests.site]
    return np.asarray(shifts[feature_of, requests.prompt])


def write_outcomes(folder: Path, label: str, outcomes: pa.Table) -> None:
    """Writes ``outcomes/outcomes-<label>.jsonl`` below the inbox."""
    path = folder / "outcomes" / f"outcomes-{label}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.register("outcomes", outcomes)
        rows = connection.sql(
            """
            select to_json({
                'outcome_id': outcome_id, 'request_id': request_id, 'session_id': session_id, 'trace_id': trace_id,
                'outcome': outcome_name, 'success': is_success, 'score': quality_score, 'value_usd': cast(value_usd as
                varchar), 'at': strftime(cast(occurred_at as timestamptz) at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')
            }) as line from outcomes
            """
        ).to_arrow_table()
    path.write_text("".join(f"{line}\n" for line in rows["line"].to_pylist()))


def write_revenue(folder: Path, spec: SandboxSpec, first_day: date, last_day: date) -> None:
    """Writes what each customer pays for each month that begins in the span, or holds its first day: one CSV a
    month."""
    month = first_day.replace(day=1)
    while month <= last_day:
        following = (month + timedelta(days=32)).replace(day=1)
        lines = ["revenue_id,customer_id,feature,period_start,period_end,amount,currency"]
        for customer in company.customers():
            if (following - spec.story_date).days > customer.first_day:
                period = f"{month},{following - timedelta(days=1)}"
                amount = f"{customer.monthly_fee * spec.size:.2f},{customer.currency}"
                lines.append(f"rev-{month:%Y%m}-{customer.customer_id},{customer.customer_id},,{period},{amount}")
        path = folder / "revenue" / f"revenue-{month:%Y-%m}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        month = following


def write_effects(path: Path) -> None:
    """Writes the effects that are built into experiments and prompt revisions, so that an analysis can be graded."""
    effects = {
        "experiments": [
            {
                "experiment_id": model.experiment_id,
                "variant": model.variant,
                "feature": feature.feature,
                "model_name": model.name,
                "input_factor": model.input_factor,
                "quality_shift": model.quality_shift,
            }
            for feature in company.FEATURES
            for model in feature.models
            if model.experiment_id
        ],
        "prompt_revisions": [
            {
                "feature": feature.feature,
                "prompt_version": revision.version,
                "input_factor": revision.input_factor,
                "cache_factor": revision.cache_factor,
                "quality_shift": revision.quality_shift,
            }
            for feature in company.FEATURES
            for revision in feature.prompts
            if feature.outcome_name
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(effects, indent=2) + "\n")
