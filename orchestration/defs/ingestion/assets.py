"""Raw tables of the lake. One asset is one raw table, whatever the number of accounts or log folders that fill it."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from ingestion.lake import Load, Window
from ingestion.records import STREAMS, StreamKind
from ingestion.settings import Settings
from orchestration.defs.ingestion.report import door_check, landed_metadata, raw_table_spec
from orchestration.defs.partitions import usage_days
from orchestration.defs.resources import PLATFORM, TokenAtlasResource

PROVIDER_TABLES = {
    "openai": ("openai_costs", "openai_usage", "openai_projects", "openai_api_keys", "openai_users"),
    "anthropic": ("anthropic_costs", "anthropic_usage", "anthropic_workspaces", "anthropic_api_keys"),
}
LOG_TABLES = ("requests", "outcomes", "revenue")
CONFIG_TABLES = tuple(table for table in STREAMS if table.startswith("config_"))
LANDED_TABLES = (*PROVIDER_TABLES["openai"], *PROVIDER_TABLES["anthropic"], *LOG_TABLES)
PRICE_TABLES = ("model_prices", "candidate_prices", "model_candidates")
PRICED_TABLES = ("requests", "openai_costs", "openai_usage", "anthropic_costs", "anthropic_usage")

DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26))


Results = Iterator[dg.MaterializeResult[None]]


def raw_key(table: str) -> dg.AssetKey:
    """The key that the dbt source of a raw table names in its meta."""
    return dg.AssetKey(["lake", table])


def provider_table(provider: str, table: str, days: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The asset of one table of a provider's admin API."""
    is_windowed = STREAMS[table].kind is StreamKind.WINDOWED
    spec = raw_table_spec(raw_key(table), table, kinds={"python", "parquet"}, freshness_policy=DAILY)

    @dg.multi_asset(
        name=f"lake__{table}",
        specs=[spec.replace_attributes(tags={"provider": provider}, partitions_def=days if is_windowed else None)],
        check_specs=[door_check(raw_key(table))],
        # A backfill of many days is one pull and one load, as a daily run is.
        backfill_policy=dg.BackfillPolicy.single_run() if is_windowed else None,
        partitions_def=days if is_windowed else None,
    )
    def pull(context: dg.AssetExecutionContext, atlas: TokenAtlasResource) -> Results:
        from orchestration.loading import land_from_providers

        window = None
        if context.has_partition_key or context.has_partition_key_range:
            span = context.partition_time_window
            window = Window(span.start.date(), span.end.date())
        landed = land_from_providers(
            atlas.settings(),
            atlas.lake(),
            table,
            window=window,
            on_progress=lambda at: context.log.info(
                f"{at.source_name}: day {at.done_days} of {at.total_days}, {at.row_count} rows, {at.requests}"
            ),
        )
        if is_windowed and window is None:
            _mark_days(context, raw_key(table), landed.loads)
        yield landed_metadata(context, atlas, landed)

    return pull


def _mark_days(context: dg.AssetExecutionContext, key: dg.AssetKey, loads: list[Load]) -> None:
    """A daily run has no partition; the days that it changed are marked one by one, so that gaps show (ADR 11)."""
    rows = Counter[date]()
    for load in loads:
        rows.update({entry.day: entry.row_count for entry in load.days if entry.data_load_id == load.load_id})
    for day, count in sorted(rows.items()):
        context.log_event(
            dg.AssetMaterialization(key, partition=day.isoformat(), metadata={"dagster/partition_row_count": count})
        )


def log_table(table: str) -> dg.AssetsDefinition:
    """The asset of one table that is read from log files."""

    @dg.multi_asset(
        name=f"lake__{table}",
        specs=[raw_table_spec(raw_key(table), table, kinds={"python", "parquet"}, freshness_policy=DAILY)],
        check_specs=[door_check(raw_key(table))],
    )
    def read(context: dg.AssetExecutionContext, atlas: TokenAtlasResource) -> Results:
        from orchestration.loading import land_log_files

        landed = land_log_files(
            atlas.settings(),
            atlas.lake(),
            table,
            on_progress=lambda name, rows: context.log.debug(f"{name}: {rows} rows"),
        )
        yield landed_metadata(context, atlas, landed)

    return read


@dg.multi_asset(
    name="lake__config",
    specs=[raw_table_spec(raw_key(table), table, kinds={"csv", "parquet"}) for table in CONFIG_TABLES],
)
def config_tables(atlas: TokenAtlasResource) -> Results:
    """A snapshot of the config folder, so that the ledger can be rebuilt with the rules that were in force then."""
    from ingestion.config import land_config

    loads = {load.table: load for load in land_config(atlas.settings(), atlas.lake())}
    for table in CONFIG_TABLES:
        load = loads[table]
        yield dg.MaterializeResult(
            asset_key=raw_key(table),
            metadata={"dagster/row_count": load.row_count, "changed": not load.skipped, "load_id": load.load_id},
        )


@dg.multi_asset(
    name="lake__model_prices",
    specs=[
        raw_table_spec(raw_key(table), table, kinds={"python", "parquet"}).replace_attributes(
            deps=[raw_key(priced) for priced in PRICED_TABLES]
        )
        for table in PRICE_TABLES
    ],
)
def model_prices(atlas: TokenAtlasResource) -> Results:
    """Prices of the models that the lake has seen, and of those that could do their work. Those of days gone by stay as
    they are: see `tokenatlas reprice`."""
    from ingestion.prices import land_candidates, land_prices

    settings, lake = atlas.settings(), atlas.lake()
    for load in (land_prices(settings, lake), *land_candidates(settings, lake)):
        yield dg.MaterializeResult(
            asset_key=raw_key(load.table),
            metadata={"dagster/row_count": load.row_count, "changed": not load.skipped, "load_id": load.load_id},
        )


@dg.asset(
    key=raw_key("lake_index"),
    deps=[raw_key(table) for table in (*LANDED_TABLES, *CONFIG_TABLES, *PRICE_TABLES)],
    group_name="ingestion",
    kinds={"parquet"},
    owners=PLATFORM,
)
def lake_index(atlas: TokenAtlasResource) -> Results:
    """Which load stands for which day of which table. dbt reads the lake through it, so it follows every load."""
    import pyarrow.parquet as pq

    settings = atlas.settings()
    atlas.lake().write_index(settings.index_path)
    index = pq.read_table(settings.index_path, columns=["table_name", "row_count"])
    totals = index.group_by("table_name").aggregate([("row_count", "sum")]).sort_by("table_name").to_pylist()
    lines = [f"| {row['table_name']} | {row['row_count_sum']:,} |" for row in totals]
    yield dg.MaterializeResult(
        metadata={
            "dagster/row_count": index.num_rows,
            "rows in force": dg.MetadataValue.md("\n".join(["| table | rows |", "|---|--:|", *lines])),
        }
    )


@dg.definitions
def ingestion() -> dg.Definitions:
    days = usage_days(Settings.from_environment())
    providers = [provider_table(name, table, days) for name, tables in PROVIDER_TABLES.items() for table in tables]
    return dg.Definitions(
        assets=[*providers, *(log_table(table) for table in LOG_TABLES), config_tables, model_prices, lake_index]
    )
