"""What the assets of raw tables say about themselves and about what they landed."""

import json
from decimal import Decimal
from functools import cache

import dagster as dg
import yaml

from ingestion.errors import ContractError
from ingestion.records import STREAMS
from orchestration.dbt import REPOSITORY
from orchestration.defs.resources import PLATFORM, TokenAtlasResource
from orchestration.lake_rows import live_rows
from orchestration.loading import Landed
from orchestration.markdown import markdown_table

_DOLLARS = {
    "openai_costs": "cast(amount_value as decimal(38, 18))",
    "anthropic_costs": "cast(amount_cents as decimal(38, 18)) * 0.01",
}
"""Billed amounts of the raw tables that hold money; here for the eye only, the ledger does the sums that count."""

_PREVIEW_ROWS = 5


def raw_table_spec(
    key: dg.AssetKey, table: str, *, kinds: set[str], freshness_policy: dg.FreshnessPolicy | None = None
) -> dg.AssetSpec:
    """Key, description, columns and group of a raw table."""
    columns = [
        dg.TableColumn(name, str(field.type), constraints=dg.TableColumnConstraints(nullable=field.nullable))
        for name, field in ((field.name, field) for field in STREAMS[table].schema)
    ]
    return dg.AssetSpec(
        key=key,
        group_name="ingestion",
        description=_descriptions()[table],
        kinds=kinds,
        freshness_policy=freshness_policy,
        owners=PLATFORM,
        metadata={"dagster/column_schema": dg.TableSchema(columns), "dagster/table_name": f"lake.{table}"},
    )


@cache
def _descriptions() -> dict[str, str]:
    path = REPOSITORY / "dbt_project" / "models" / "staging" / "lake" / "_lake__sources.yml"
    (source,) = yaml.safe_load(path.read_text())["sources"]
    return {table["name"]: table["description"] for table in source["tables"]}


def door_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        "great_expectations",
        asset=key,
        description="Every batch kept its Great Expectations suite; one that does not is not admitted to the lake.",
    )


def landed_metadata(
    context: dg.AssetExecutionContext, atlas: TokenAtlasResource, landed: Landed
) -> dg.MaterializeResult[None]:
    """The materialization of a raw table, with its counts, its dollars, and what failed.

    Failures do not raise here, so that the tables are built from what is there. The check ``every_source_landed`` reads
    them from the metadata and fails the run (ADR 12).
    """
    for source, error in landed.failures.items():
        context.log.error(f"{source}: {error}")
    metadata: dict[str, dg.MetadataValue | int | float | str] = {
        "rows landed": landed.row_count,
        "rows quarantined": sum(load.rows_quarantined for load in landed.loads),
        "days replaced": sum(
            entry.data_load_id == load.load_id for load in landed.loads if not load.skipped for entry in load.days
        ),
        "failures": dg.MetadataValue.json({source: str(error) for source, error in landed.failures.items()}),
    }
    if landed.loads:
        metadata["loads"] = dg.MetadataValue.md(_loads_table(landed))
    metadata.update(_in_force(atlas, landed.table))
    broken = {source: str(error) for source, error in landed.failures.items() if isinstance(error, ContractError)}
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            dg.AssetCheckResult(
                check_name="great_expectations",
                passed=not broken,
                metadata={"batches admitted": len(landed.loads), "batches refused": dg.MetadataValue.json(broken)},
            )
        ],
    )


def failures_of(event: dg.EventLogEntry | None, run_id: str) -> dict[str, str]:
    """The failures that a raw table's materialization of this run reports, by source."""
    if event is None or event.run_id != run_id or event.asset_materialization is None:
        return {}
    failures = event.asset_materialization.metadata.get("failures")
    return dict(json.loads(json.dumps(failures.value))) if failures is not None else {}


def _loads_table(landed: Landed) -> str:
    lines = [
        f"| {load.source} | {load.file_name or _window(load.window_start, load.window_end)} | {load.row_count:,} "
        f"| {load.rows_quarantined:,} | {load.rows_duplicate:,} | {'no' if load.skipped else 'yes'} |"
        for load in landed.loads
    ]
    return "\n".join(["| source | what | rows | quarantined | duplicate | new |", "|---|---|--:|--:|--:|---|", *lines])


def _window(start: object, end: object) -> str:
    return f"{start} to before {end}" if start else "whole listing"


def _in_force(atlas: TokenAtlasResource, table: str) -> dict[str, dg.MetadataValue | int | float]:
    """Rows and dollars of the table as a whole, and its youngest rows."""
    settings = atlas.settings()
    atlas.lake().write_index(settings.index_path)
    with live_rows(settings.index_path, table) as connection:
        amount = _DOLLARS.get(table)
        totals = connection.execute(f"select count(*), {f'sum({amount})' if amount else 'null'} from live").fetchall()
        rows = connection.execute(f"select * from live order by _day desc limit {_PREVIEW_ROWS}")
        names = [column[0] for column in rows.description or []]
        preview = rows.fetchall()
    ((row_count, dollars),) = totals
    found: dict[str, dg.MetadataValue | int | float] = {"dagster/row_count": row_count}
    if isinstance(dollars, Decimal):
        found["billed_usd"] = float(round(dollars, 2))
    if preview:
        found["preview"] = dg.MetadataValue.md(markdown_table(names, preview))
    return found
