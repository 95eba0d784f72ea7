"""Recommendations: moved on after the marts that they come from are built."""

from collections.abc import Iterator

import dagster as dg

from ingestion.records import STREAMS
from ingestion.settings import Settings
from orchestration.dbt import dbt_project, public_models, read_manifest
from orchestration.defs.resources import PLATFORM, TokenAtlasResource
from orchestration.markdown import markdown_table

TABLES = ("recommendation_events", "recommendations")

READ_TABLES = (
    ("core", "fct_cost_ledger"),
    ("core", "fct_llm_requests"),
    ("core", "dim_model_prices"),
    ("finops", "mart_budget_status"),
)
"""What is there in every home; the marts of savings are added where the project has them."""
SAVINGS = (
    *("mart_model_swaps", "mart_cache_economics_daily", "mart_waste_daily"),
    *("mart_prompt_revisions", "mart_experiments"),
)


def recommendations_asset(deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that recommends, after the given tables."""

    @dg.multi_asset(
        name="recommendations",
        specs=[
            dg.AssetSpec(
                ["recommendations", table],
                deps=deps,
                group_name="optimization",
                kinds={"python"},
                owners=PLATFORM,
                description=(STREAMS[table].record.__doc__ or "").strip(),
            )
            for table in TABLES
        ],
    )
    def recommendations(
        context: dg.AssetExecutionContext, atlas: TokenAtlasResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        """What to change, worth how much; what people decided; and what was done, checked."""
        from orchestration.recommendations import run

        settings = atlas.settings()
        report = run(settings)
        # The build that follows reads the lake through its index.
        atlas.lake().write_index(settings.index_path)
        assessed = report.assessed
        events, rows = ((), ()) if assessed is None else (assessed.events, assessed.rows)
        if assessed is None:
            context.log.warning("There is no day of spend yet: nothing to recommend")
        for event in events:
            context.log.info(f"{event.event_name}: {event.recommendation_id} {event.reason}")
        standing = sorted((row for row in rows if row["rank"] is not None), key=lambda row: row["rank"])
        columns = ["title", "expected_saving_usd_per_month", "additional_saving_usd_per_month", "state", "owner"]
        shown = [tuple(row[name] for name in columns) for row in standing[:10]]
        yield dg.MaterializeResult(
            asset_key=["recommendations", "recommendation_events"],
            metadata={"dagster/row_count": len(events)},
        )
        yield dg.MaterializeResult(
            asset_key=["recommendations", "recommendations"],
            metadata={
                "dagster/row_count": len(rows),
                "standing": len(standing),
                "preview": dg.MetadataValue.md(markdown_table(columns, shown)),
            },
        )

    return recommendations


@dg.definitions
def recommendation_definitions() -> dg.Definitions:
    manifest = read_manifest(dbt_project(Settings.from_environment()))
    public = {(model["schema"], model["name"]) for model in public_models(manifest)}
    read = [*READ_TABLES, *(("finops", name) for name in SAVINGS)]
    return dg.Definitions(
        assets=[recommendations_asset([dg.AssetKey(list(table)) for table in read if table in public])]
    )
