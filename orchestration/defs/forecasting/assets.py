"""Forecasts: they read the ledger and go into the lake, where dbt stages them like anything that was received."""

from collections.abc import Iterator

import dagster as dg

from ingestion.records import STREAMS
from orchestration.defs.resources import PLATFORM, TokenAtlasResource

TABLES = ("forecast_days", "forecast_periods", "forecast_series", "forecast_drivers", "forecast_nowcasts")

READ_TABLES = (
    *(("core", "fct_cost_ledger"), ("intermediate", "int_series_costs_daily"), ("intermediate", "int_cost_mix_daily")),
    *(("staging", f"stg_config__{name}") for name in ("budgets", "planned_changes", "forecast_scenarios")),
)

FIRST_BACKTESTS = 3
"""Forecasts made as of earlier days on the first run, so that accuracy is not empty for months; marked as such."""


@dg.multi_asset(
    name="forecasts",
    specs=[
        dg.AssetSpec(
            ["forecasting", table],
            group_name="forecasting",
            description=(STREAMS[table].record.__doc__ or "").strip(),
            deps=[dg.AssetKey(list(read)) for read in READ_TABLES],
            kinds={"python", "prophet"},
            owners=PLATFORM,
        )
        for table in TABLES
    ],
)
def forecasts(context: dg.AssetExecutionContext, atlas: TokenAtlasResource) -> Iterator[dg.MaterializeResult[None]]:
    """Twelve months ahead, in total, by team and by budget, from the last day whose bill has settled."""
    from forecasting.run import run_forecasts
    from orchestration.completeness import learn_from_lake

    settings = atlas.settings()
    lake = atlas.lake()
    is_first = not any(load.table in TABLES for load in lake.loads())
    loads = run_forecasts(
        settings.warehouse_path,
        lake,
        settings.now,
        completeness=learn_from_lake(lake, settings.now),
        backfill_cutoffs=FIRST_BACKTESTS if is_first else 0,
    )
    # The build that follows reads the lake through its index.
    lake.write_index(settings.index_path)
    for table in TABLES:
        mine = [load for load in loads if load.table == table]
        if not mine:
            context.log.warning(f"{table}: there is no settled day of spend yet, so nothing was forecast")
        yield dg.MaterializeResult(
            asset_key=["forecasting", table],
            metadata={
                "dagster/row_count": sum(load.row_count for load in mine),
                "cutoffs": dg.MetadataValue.text(", ".join(load.account_id for load in mine)),
                "changed": any(not load.skipped for load in mine),
            },
        )


@dg.definitions
def forecasting() -> dg.Definitions:
    return dg.Definitions(assets=[forecasts])
