"""Optimization: it reads the facts, and what it finds goes into the lake, where dbt stages it like any source."""

from collections import defaultdict
from collections.abc import Iterator

import dagster as dg

from ingestion.records import STREAMS
from optimization.run import TOPICS
from orchestration.defs.resources import PLATFORM, TokenAtlasResource

STREAM_READS = {stream: topic.reads for topic in TOPICS for stream in topic.streams}


@dg.multi_asset(
    name="optimization",
    specs=[
        dg.AssetSpec(
            ["optimization", stream],
            group_name="optimization",
            description=(STREAMS[stream].record.__doc__ or "").strip(),
            deps=[dg.AssetKey(list(read)) for read in reads],
            kinds={"python"},
            owners=PLATFORM,
        )
        for stream, reads in STREAM_READS.items()
    ],
)
def optimization(context: dg.AssetExecutionContext, atlas: TokenAtlasResource) -> Iterator[dg.MaterializeResult[None]]:
    """What each topic finds as of the last day of the ledger."""
    from optimization.run import run_optimization

    settings = atlas.settings()
    lake = atlas.lake()
    loads = defaultdict(list)
    for load in run_optimization(settings.warehouse_path, lake, settings.now):
        loads[load.table].append(load)
        context.log.info(f"{load.table}: {load.row_count:,} rows")
    # The build that follows reads the lake through its index.
    lake.write_index(settings.index_path)
    for stream in STREAM_READS:
        yield dg.MaterializeResult(
            asset_key=["optimization", stream],
            metadata={
                "dagster/row_count": sum(load.row_count for load in loads[stream]),
                "assessed": ", ".join(load.account_id for load in loads[stream]),
                "changed": any(not load.skipped for load in loads[stream]),
            },
        )


@dg.definitions
def definitions() -> dg.Definitions:
    return dg.Definitions(assets=[optimization] if STREAM_READS else [])
