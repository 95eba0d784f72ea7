"""Jobs, and when they run."""

import dagster as dg

from orchestration.defs.ingestion.assets import LANDED_TABLES, LOG_TABLES, raw_key

DAILY_JOB = "daily"
NEW_LOGS_JOB = "new_logs"
BUILD_JOB = "build"

_LANDED = dg.AssetSelection.assets(*(raw_key(table) for table in LANDED_TABLES))

daily_job = dg.define_asset_job(
    DAILY_JOB,
    selection=dg.AssetSelection.all(),
    description="Everything: pull what is due, land new log files, build every table, forecast, publish.",
)

new_logs_job = dg.define_asset_job(
    NEW_LOGS_JOB,
    selection=dg.AssetSelection.assets(*(raw_key(table) for table in LOG_TABLES)).downstream(),
    description="Land new log files and build what follows from them, without asking the providers.",
)

build_job = dg.define_asset_job(
    BUILD_JOB,
    selection=dg.AssetSelection.all() - _LANDED,
    description="Build every table from what the lake holds: after a change of configuration, rules, prices or models.",
)

daily_schedule = dg.ScheduleDefinition(
    name="every_morning",
    job=daily_job,
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    description="At 06:00 UTC, when most providers have completed the bill of the day before yesterday.",
)
