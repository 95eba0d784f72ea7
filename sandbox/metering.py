"""What the providers' meters counted: requests summed by hour, project, key, model, tier and context band."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from sandbox import company, prices
from sandbox.requests import MICROSECONDS_PER_DAY, Requests

MEASURES = ("request_count", "web_search", *(f"{meter}_tokens" for meter in prices.TOKEN_TYPES))
_HOUR_US = MICROSECONDS_PER_DAY // 24


def site_table() -> pa.Table:
    """The dimensions of each call site that providers report by."""
    sites = company.sites()
    return pa.table(
        {
            "site": pa.array(range(len(sites)), type=pa.int64()),
            "provider_name": [site.feature.provider_name for site in sites],
            "account_id": [company.ACCOUNTS[site.feature.provider_name] for site in sites],
            "project_id": pa.array([site.feature.project_id for site in sites], type=pa.string()),
            "api_key_id": pa.array([site.api_key_id for site in sites], type=pa.string()),
            "user_id": pa.array([site.user_id for site in sites], type=pa.string()),
            "model_name": [site.model.name for site in sites],
            "service_tier": [site.model.tier for site in sites],
            "operation_name": [site.feature.operation_name for site in sites],
        }
    )


def metered_hours(requests: Requests) -> pa.Table:
    """One row for each hour and set of dimensions.

    ``*_tokens``, ``web_search`` and ``request_count`` are what usage APIs report. ``<meter>_pico_usd`` are list costs
    of what is charged for, in whole 10**-12 dollars, and ``<meter>_charged`` the quantity charged for.
    """
    billable = requests.is_billable
    columns = {
        "site": requests.site,
        "band": requests.band,
        "hour": requests.started_us // _HOUR_US,
        "request_count": requests.is_metered.astype("int64"),
    }
    for index, meter in enumerate(prices.METERS):
        counted = requests.searches if meter == "web_search" else requests.tokens[index]
        columns[meter if meter == "web_search" else f"{meter}_tokens"] = counted
        columns[f"{meter}_charged"] = counted * billable
        columns[f"{meter}_pico_usd"] = requests.list_pico_usd[index]
    drawn = pa.table({name: pa.array(values) for name, values in columns.items()})
    summed = [name for name in columns if name not in ("site", "band", "hour")]
    connection = duckdb.connect()
    try:
        connection.register("drawn", drawn)
        connection.register("sites", site_table())
        return connection.sql(
            f"""
            with summed as (
                select site, band, hour, {", ".join(f"cast(sum({name}) as bigint) as {name}" for name in summed)}
                from drawn
                group by site, band, hour
                having sum(request_count) > 0
            )
            select
                provider_name, account_id, project_id, api_key_id, user_id, model_name, service_tier, operation_name,
                band, cast(make_timestamp(hour * {_HOUR_US}) as date) as usage_date, make_timestamp(hour * {_HOUR_US})
                as hour_start, {", ".join(summed)}
            from summed
            inner join sites using (site)
            order by hour, site, band
            """
        ).to_arrow_table()
    finally:
        connection.close()
