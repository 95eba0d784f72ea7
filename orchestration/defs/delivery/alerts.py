"""Alerts: assessed after the marts are built, delivered from a durable outbox, and watched over between runs."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from ingestion.records import STREAMS
from orchestration.defs.resources import PLATFORM, TokenAtlasResource
from orchestration.markdown import markdown_table

ALERT_EVENTS = dg.AssetKey(["alerting", "alert_events"])

ASSESSED = (
    dg.AssetKey(["finops", "mart_budget_status"]),
    dg.AssetKey(["finops", "mart_forecast_daily"]),
    dg.AssetKey(["finops", "mart_cost_anomalies"]),
    dg.AssetKey(["core", "fct_cost_ledger"]),
    dg.AssetKey(["lake", "lake_index"]),
)
"""What the rules read."""

LATENESS_EVERY = timedelta(hours=1)


@dg.asset(
    key=ALERT_EVENTS,
    deps=ASSESSED,
    group_name="delivery",
    kinds={"python"},
    owners=PLATFORM,
    description=(STREAMS["alert_events"].record.__doc__ or "").strip(),
    check_specs=[
        dg.AssetCheckSpec(
            "alerts_are_delivered",
            asset=ALERT_EVENTS,
            description="No message has been given up: what is in `tokenatlas alerts outbox` as dead reached nobody.",
        )
    ],
)
def alerts(context: dg.AssetExecutionContext, atlas: TokenAtlasResource) -> Iterator[dg.MaterializeResult[None]]:
    """Assesses budgets, anomalies and the data themselves, and tells whoever is to know. A channel that is down does
    not fail the run: the outbox tries again."""
    from alerting.outbox import MessageStatus
    from orchestration.alerts import alert_desk, check

    settings = atlas.settings()
    report = check(settings, settings.warehouse_path)
    # The build that follows reads the lake through its index.
    atlas.lake().write_index(settings.index_path)
    for event in report.applied.events:
        context.log.info(f"{event.event_name}: {event.summary}")
    with alert_desk(settings) as desk:
        standing = desk.store.open_alerts()
        dead = desk.outbox.listed(MessageStatus.DEAD)
        pending = desk.outbox.listed(MessageStatus.PENDING)
    rows = [(alert.severity, alert.key.kind, alert.key.subject, alert.state, alert.raised_at) for alert in standing]
    yield dg.MaterializeResult(
        metadata={
            "dagster/row_count": report.exported_count,
            "open": dg.MetadataValue.md(markdown_table(["severity", "kind", "subject", "state", "since"], rows[:50])),
            "transitions": len(report.applied.events),
            "delivered": len(report.drained.delivered),
            "waiting": len(pending),
        },
        check_results=[
            dg.AssetCheckResult(
                passed=not dead,
                check_name="alerts_are_delivered",
                severity=dg.AssetCheckSeverity.WARN,
                description="; ".join(f"{each.message.channel}: {each.error}" for each in dead[:5]),
                metadata={"dead": len(dead), "waiting": len(pending)},
            )
        ],
    )


@dg.sensor(
    name="alert_delivery",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends what is due in the outbox, and looks for late data once an hour: also when no run happens.",
)
def alert_delivery(context: dg.SensorEvaluationContext, atlas: TokenAtlasResource) -> dg.SkipReason:
    """Starts no run. The cursor is when it last looked for late data."""
    from ingestion.errors import ConfigError
    from orchestration.alerts import SENSOR_SECONDS, check_lateness, deliver

    settings = atlas.settings()
    try:
        if _is_due(context.cursor, settings.now):
            report = check_lateness(settings)
            context.update_cursor(settings.now.isoformat())
        else:
            report = deliver(settings, seconds=SENSOR_SECONDS)
    except ConfigError as error:
        return dg.SkipReason(f"The configuration cannot be used: {error.what}")
    sent = report.drained
    return dg.SkipReason(
        f"{len(report.applied.events)} transitions; {len(sent.delivered)} messages delivered, {len(sent.failed)} to be "
        f"tried again, {len(sent.dead)} given up."
    )


def _is_due(cursor: str | None, now: datetime) -> bool:
    return not cursor or now - datetime.fromisoformat(cursor) >= LATENESS_EVERY


@dg.definitions
def alert_definitions() -> dg.Definitions:
    return dg.Definitions(assets=[alerts], sensors=[alert_delivery])
