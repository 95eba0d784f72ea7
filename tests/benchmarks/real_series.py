"""Real daily series of ``../shared/data``: LLM use, cloud cost and service demand, and the cutoffs to score them on.

Constants of the forecasts (weights, spreads) were chosen on *development* cutoffs. ``held_out_origins`` gives the others,
on which nothing was tuned: every series of two months by the half that its name falls into, and of longer ones the
cutoffs outside of the stretch that was looked at (``is_development``).
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from forecasting.backtest import Origin
from forecasting.series import DailySeries

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"

MIN_DAYS = 40
CLOUD, LLM, DEMAND = "cloud cost", "LLM use", "service demand"

_LARGEST_RESOURCES = 25
_MIN_ACTIVE_DAYS = 25


@dataclass(frozen=True)
class RealSeries:
    """A series and the group that its score is shown under."""

    group: str
    series: DailySeries


def load_real_series(folder: Path = SHARED) -> list[RealSeries]:
    """Every real daily series of 40 days or more.

    Raises:
        FileNotFoundError: the shared data are not there.
    """
    if not folder.exists():
        raise FileNotFoundError(f"the shared data are not at {folder}")
    found = [*_cloud(folder), *_llm(folder), *_demand(folder)]
    return [RealSeries(group, _series(name, daily)) for group, name, daily in found if _is_usable(daily)]


def as_frame(series: list[RealSeries]) -> pd.DataFrame:
    """The series as ``tokenatlas backtest`` reads them: series_id, ds, y."""
    return pd.concat(
        pd.DataFrame(
            {
                "series_id": one.series.series_id,
                "ds": [one.series.first_day + timedelta(days=day) for day in range(len(one.series.costs))],
                "y": [float(cost) for cost in one.series.costs],
            }
        )
        for one in series
    )


def held_out_origins(series: list[RealSeries], *, count: int = 6, horizon_days: int = 90) -> list[Origin]:
    """Up to ``count`` cutoffs of each series that nothing was tuned on, with 30 known days after them at least."""
    origins = []
    for one in series:
        days = len(one.series.costs)
        positions = [day for day in range(28, days - 29) if not is_development(one.series.series_id, days, day)]
        chosen = np.unique(np.linspace(0, len(positions) - 1, count).round().astype(int)) if positions else []
        for index in chosen:
            cutoff = one.series.first_day + timedelta(days=positions[index] - 1)
            origins.append(Origin(one.series.series_id, cutoff, min(horizon_days, days - positions[index])))
    return origins


def is_development(series_id: str, days: int, seen_days: int) -> bool:
    """Whether a cutoff after ``seen_days`` of a series of ``days`` was among those that constants were chosen on."""
    grid = list(range(days - 30, 27, -14))[:26][::-1]
    if len(grid) <= 2:
        return zlib.crc32(series_id.partition("/")[2].encode()) % 2 == 0
    developed = [cutoff for index, cutoff in enumerate(grid) if index < 0.6 * len(grid)]
    return developed[0] - 14 < seen_days <= developed[-1]


def _is_usable(daily: pd.Series) -> bool:
    return len(daily) >= MIN_DAYS and float(daily.sum()) > 0


def _series(name: str, daily: pd.Series) -> DailySeries:
    costs = tuple(Decimal(repr(float(value))) for value in daily)
    return DailySeries(name, "series", name, daily.index[0].date(), costs)


def _daily(values: pd.Series) -> pd.Series:
    """One value a day; a day without rows is a day without use."""
    values = values.sort_index()
    values.index = pd.to_datetime(values.index)
    return values.asfreq("D", fill_value=0.0).astype(float)


Found = Iterator[tuple[str, str, pd.Series]]


def _cloud(folder: Path) -> Found:
    """OptScale's expenses of three AWS accounts: in all, by account, service, region, pool, type, and the dearest."""
    rows = duckdb.sql(
        f"""
        select cloud_account_id as account, resource_id as resource, date_offset // 86400 as days_ago,
            sum(cost * sign) as cost
        from '{folder}/billing/optscale_clean_expenses_aws_env.parquet' group by all
        """
    ).df()
    with gzip.open(folder / "billing/optscale_resources_aws_env.jsonl.gz", "rt") as lines:
        known = [json.loads(line) for line in lines]
    names = {"service": "service_name", "region": "region", "pool": "pool_id", "rtype": "resource_type"}
    resources = pd.DataFrame({name: [one.get(key) for one in known] for name, key in names.items()})
    rows = rows.merge(resources.assign(resource=[one["_id"] for one in known]), on="resource", how="left")
    # A few stray rows lie months before the others.
    rows = rows[rows["days_ago"] <= 75]
    # Days are given as ages; the last one is that of the resources' last expense.
    rows["day"] = pd.Timestamp("2024-09-16") - pd.to_timedelta(rows["days_ago"], unit="D")
    yield CLOUD, "cloud/total", _daily(rows.groupby("day")["cost"].sum())
    for label, column in (("a", "account"), *((name, name) for name in names)):
        for value, part in rows.groupby(column):
            yield CLOUD, f"cloud/{label}={value}", _daily(part.groupby("day")["cost"].sum())
    for value, part in rows.groupby(["account", "service"]):
        yield CLOUD, f"cloud/a_service={value}", _daily(part.groupby("day")["cost"].sum())
    dearest = rows.groupby("resource")["cost"].sum().sort_values(ascending=False).index[:_LARGEST_RESOURCES]
    for value in dearest:
        yield CLOUD, f"cloud/r={value}", _daily(rows[rows["resource"] == value].groupby("day")["cost"].sum())


def _llm(folder: Path) -> Found:
    """Use of one developer's LLM tool (aider): cost, tokens and messages, in all, by model, by format; and its events."""
    events = duckdb.sql(
        f"""
        select
            cast(to_timestamp(time) as date) as day, event,
            json_extract_string(properties, '$.main_model') as m,
            json_extract_string(properties, '$.edit_format') as f,
            cast(json_extract_string(properties, '$.cost') as double) as c,
            cast(json_extract_string(properties, '$.total_tokens') as double) as t,
            cast(json_extract_string(properties, '$.prompt_tokens') as double) as pt,
            cast(json_extract_string(properties, '$.completion_tokens') as double) as ct
        from read_json_auto('{folder}/usage/aider_analytics_2024-08_2025-03.jsonl.gz')
        where cast(to_timestamp(time) as date) >= date '2024-10-31'
        """
    ).df()
    messages = events[events["event"] == "message_send"]
    for column in ("c", "t", "pt", "ct"):
        yield LLM, f"llm/aider_{column}", _daily(messages.groupby("day")[column].sum())
    yield LLM, "llm/aider_n", _daily(messages.groupby("day").size())
    for key in ("m", "f"):
        for value, part in messages.groupby(key):
            if part["day"].nunique() >= _MIN_ACTIVE_DAYS:
                for column in ("c", "t"):
                    yield LLM, f"llm/aider_{column}_{key}={value}", _daily(part.groupby("day")[column].sum())
    for value, part in events.groupby("event"):
        if part["day"].nunique() >= 2 * _MIN_ACTIVE_DAYS + 10:
            yield LLM, f"llm/event={value}", _daily(part.groupby("day").size())


def _demand(folder: Path) -> Found:
    """Demand for services: a street's pedestrians, page views, public transport, taxis, mentions, ad prices."""
    series = folder / "series"
    walkers = pd.read_csv(series / "prophet_example_pedestrians_covid.csv.gz")
    yield DEMAND, "demand/pedestrians", _daily(walkers.set_index("ds")["y"])
    views = pd.read_csv(series / "prophet_example_wp_log_peyton_manning.csv.gz").set_index("ds")["y"]
    views.index = pd.to_datetime(views.index)
    # The file holds logarithms and lacks some days, which are not days without views.
    yield DEMAND, "demand/peyton", np.exp(views).asfreq("D").interpolate()
    transport = pd.read_csv(series / "skforecast_public-transport-madrid.csv.gz").set_index("date")
    for column in transport.columns:
        yield DEMAND, f"demand/madrid_{column}", _daily(transport[column])
    web = pd.read_csv(series / "skforecast_visitas_por_dia_web_cienciadedatos.csv.gz")
    web["date"] = pd.to_datetime(web["date"], format="%d/%m/%y")
    yield DEMAND, "demand/web", _daily(web.set_index("date")["users"])
    for name, file, first in (
        ("taxi", "realKnownCause__nyc_taxi", 0),
        ("goog", "realTweets__Twitter_volume_GOOG", 1),
        ("cpc", "realAdExchange__exchange-2_cpc_results", 0),
        ("cpm", "realAdExchange__exchange-3_cpm_results", 0),
    ):
        rows = pd.read_csv(series / "nab" / f"{file}.csv.gz", parse_dates=["timestamp"])
        # The first and the last day are not whole.
        yield DEMAND, f"demand/{name}", rows.set_index("timestamp")["value"].resample("D").sum().iloc[first:-1]
