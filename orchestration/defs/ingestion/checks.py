"""A run in which a source failed ends as failed, and says which one and why."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.ingestion.assets import LANDED_TABLES, raw_key
from orchestration.defs.ingestion.report import failures_of

CHECK_NAME = "every_source_landed"


@dg.multi_asset_check(
    name="every_source_landed",
    specs=[
        dg.AssetCheckSpec(
            CHECK_NAME,
            asset=raw_key(table),
            description="Every configured source of this table answered and landed. If not, the run fails at its end.",
        )
        for table in LANDED_TABLES
    ],
    can_subset=True,
)
def every_source_landed(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """Reports each source that failed, and fails. What depends on the raw tables does not wait for it (ADR 12)."""
    failed: dict[str, dict[str, str]] = {}
    for check in sorted(context.selected_asset_check_keys):
        event = context.instance.get_latest_materialization_event(check.asset_key)
        failures = failures_of(event, context.run.run_id)
        if failures:
            failed[check.asset_key.path[-1]] = failures
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=not failures,
            metadata={"failures": dg.MetadataValue.json(failures)},
        )
    if failed:
        lines = [
            f"{table} from {source}: {why}" for table, sources in failed.items() for source, why in sources.items()
        ]
        raise dg.Failure(
            "Sources failed; everything else was landed and built.\n" + "\n".join(lines), allow_retries=False
        )
