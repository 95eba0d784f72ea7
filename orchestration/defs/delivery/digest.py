"""The weekly digest: a page of the last complete week for everybody and for each team, sent once to each reader."""

from collections.abc import Iterator

import dagster as dg

from ingestion.records import STREAMS
from orchestration.defs.resources import PLATFORM, TokenAtlasResource

PAGE_KEY = dg.AssetKey(["reports", "weekly_digest"])
DELIVERIES_KEY = dg.AssetKey(["digest", "digest_deliveries"])
PUBLISHED = dg.AssetKey(["published", "tokenatlas_duckdb"])


@dg.multi_asset(
    name="weekly_digest",
    specs=[
        dg.AssetSpec(
            PAGE_KEY,
            deps=[PUBLISHED],
            group_name="delivery",
            kinds={"python", "html"},
            owners=PLATFORM,
            description="reports/digest/: the last complete week on one page, for everybody and for each team.",
        ),
        dg.AssetSpec(
            DELIVERIES_KEY,
            deps=[PUBLISHED],
            group_name="delivery",
            kinds={"python"},
            owners=PLATFORM,
            description=(STREAMS["digest_deliveries"].record.__doc__ or "").strip(),
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "digests_are_delivered",
            asset=DELIVERIES_KEY,
            description="Every reader of digest.csv whose day has come has got the digest of the last complete week.",
        )
    ],
)
def weekly_digest(context: dg.AssetExecutionContext, atlas: TokenAtlasResource) -> Iterator[dg.MaterializeResult[None]]:
    """Writes the pages, and sends what is due. A mail server that is down does not fail the run: the next one tries."""
    # Drawing takes a second to import, and opening the graph does not need it.
    from ingestion.config import load_config
    from ingestion.errors import TokenAtlasError
    from orchestration import digests

    settings = atlas.settings()
    config = load_config(settings)
    week = digests.week_of_now(settings)
    overall = digests.make_digest(settings, week, None)
    path = digests.write_page(overall, digests.page_path(settings, overall))
    teams = [line.name for line in overall.teams if line.name in {team.team for team in config.teams}]
    for team in teams:
        of_team = digests.make_digest(settings, week, team)
        digests.write_page(of_team, digests.page_path(settings, of_team))
    yield dg.MaterializeResult(
        asset_key=PAGE_KEY,
        metadata={
            "path": dg.MetadataValue.path(path),
            "week": week.name,
            "pages": 1 + len(teams),
            "preview": dg.MetadataValue.md(digests.preview(overall)),
        },
    )
    # A home that begins has nothing to tell yet, and the same week would not be sent again once it is pulled.
    due = [] if overall.is_before_data else digests.due_readers(config, settings, week)
    problem, sent = "", digests.Sent()
    try:
        if due:
            sent = digests.send(settings, week, due)
    except TokenAtlasError as error:
        # A channel that is not set up is for the check to tell: the tables of this run are good.
        problem = error.what
        context.log.warning(str(error))
    failed = [*sent.failed, *([problem] if problem else [])]
    yield dg.MaterializeResult(
        asset_key=DELIVERIES_KEY,
        metadata={"due": len(due), "delivered": len(sent.delivered), "before": len(sent.skipped)},
        check_results=[
            dg.AssetCheckResult(
                passed=not failed,
                check_name="digests_are_delivered",
                severity=dg.AssetCheckSeverity.WARN,
                description="; ".join(failed[:5]),
            )
        ],
    )


digest_job = dg.define_asset_job(
    "digest",
    selection=dg.AssetSelection.assets(PAGE_KEY, DELIVERIES_KEY),
    description="The digest of the last complete week, from what is published.",
)

digest_schedule = dg.ScheduleDefinition(
    name="every_monday",
    job=digest_job,
    cron_schedule="0 8 * * 1",
    execution_timezone="UTC",
    description="Mondays at 08:00 UTC, after the daily run. What does not arrive is tried again by each daily run.",
)


@dg.definitions
def digest_definitions() -> dg.Definitions:
    return dg.Definitions(assets=[weekly_digest], jobs=[digest_job], schedules=[digest_schedule])
