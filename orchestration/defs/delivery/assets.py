"""What leaves the pipeline: the published tables."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from ingestion.settings import Settings
from orchestration.dbt import code_version, dbt_project, public_models, read_manifest
from orchestration.defs.resources import PLATFORM, TokenAtlasResource
from orchestration.publish import publish

DUCKDB_KEY = dg.AssetKey(["published", "tokenatlas_duckdb"])
PARQUET_KEY = dg.AssetKey(["published", "parquet"])


def publish_asset(deps: list[dg.AssetKey], code: str) -> dg.AssetsDefinition:
    """The asset that publishes, after the given tables, which this version of the models built."""
    freshness = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26))
    descriptions = {
        DUCKDB_KEY: "published/tokenatlas.duckdb: every public table, documented, for any reader at any time.",
        PARQUET_KEY: "published/parquet: the same tables as immutable Parquet files, listed by current.json.",
    }

    @dg.multi_asset(
        name="publish",
        specs=[
            dg.AssetSpec(
                key,
                deps=deps,
                group_name="delivery",
                description=description,
                kinds={"duckdb"} if key == DUCKDB_KEY else {"parquet"},
                freshness_policy=freshness,
                owners=PLATFORM,
            )
            for key, description in descriptions.items()
        ],
    )
    def published(atlas: TokenAtlasResource) -> Iterator[dg.MaterializeResult[None]]:
        """Replaces what readers see, at once and only if something changed."""
        settings = atlas.settings()
        publication = publish(settings.warehouse_path, settings.published_path.parent, settings.now, code_version=code)
        lines = [f"| {table.name} | {table.row_count:,} | {len(table.files)} |" for table in publication.tables]
        tables = dg.MetadataValue.md("\n".join(["| table | rows | files |", "|---|--:|--:|", *lines]))
        common: dict[str, Any] = {"version": publication.version, "changed": publication.is_new, "tables": tables}
        size = settings.published_path.stat().st_size
        yield dg.MaterializeResult(
            asset_key=DUCKDB_KEY,
            metadata={**common, "path": dg.MetadataValue.path(settings.published_path), "bytes": size},
        )
        yield dg.MaterializeResult(
            asset_key=PARQUET_KEY,
            metadata={
                **common,
                "path": dg.MetadataValue.path(settings.published_parquet_path / "current.json"),
                "files written": len(publication.written_files),
                "files deleted": len(publication.deleted_files),
            },
        )

    return published


def reports_asset(deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that writes the pages on data quality, after the given tables."""

    @dg.asset(
        key=["reports", "data_docs"],
        deps=deps,
        group_name="delivery",
        kinds={"python", "html"},
        owners=PLATFORM,
        description="reports/data_docs/index.html: what Great Expectations found in the raw tables and in the marts.",
    )
    def reports(atlas: TokenAtlasResource) -> Iterator[dg.MaterializeResult[None]]:
        # Great Expectations takes seconds to import, and opening the graph does not need it.
        from orchestration.quality import report_raw_tables

        index, results = report_raw_tables(atlas.settings(), atlas.lake())
        yield dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(index),
                "tables": len(results),
                "expectations": sum(result.expectation_count for result in results),
                "not met": dg.MetadataValue.json([str(each) for result in results for each in result.findings]),
            }
        )

    return reports


@dg.definitions
def delivery() -> dg.Definitions:
    manifest = read_manifest(dbt_project(Settings.from_environment()))
    keys = [dg.AssetKey([model["schema"], model["name"]]) for model in public_models(manifest)]
    return dg.Definitions(assets=[publish_asset(keys, code_version(manifest)), reports_asset(keys)])
